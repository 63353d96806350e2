# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A mask that is no power of two.
.include "entry.inc"
entry f
  and $-0x7001,%rsp
  push %rax
  finish
