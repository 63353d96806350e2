# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A jump to an import is not a probe.
.include "entry.inc"
entry f
  add $8,%rsp
  jmp vbpf_ktime_get_ns
  finish
