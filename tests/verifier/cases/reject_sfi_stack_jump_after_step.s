# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A branch between step and probe.
.include "entry.inc"
entry f
  sub $4096,%rsp
  jmp 1f
1:
  push %rax
  finish
