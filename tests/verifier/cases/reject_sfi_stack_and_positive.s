# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A mask that clears the upper half.
.include "entry.inc"
entry f
  and $0x7f,%rsp
  push %rax
  finish
