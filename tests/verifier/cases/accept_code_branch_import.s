# rule: none
# SPDX-License-Identifier: Apache-2.0
# Calls and jumps to imports.
.include "entry.inc"
entry f
  call vbpf_ktime_get_ns
  jne vbpf_get_prandom_u32
  jmp vbpf_abort
  finish
