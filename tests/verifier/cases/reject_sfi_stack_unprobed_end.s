# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A step at the end of the section.
.include "entry.inc"
entry f
  jmp 1f
1:
  add $8,%rsp
  nop
  finish
