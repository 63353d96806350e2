# rule: none
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Twin: A bit test with a register reaches 2^60 bytes beyond its operand.
.include "entry.inc"
entry f
  bt $3,%gs:(%edi)
  bt %rax,%rcx
  finish
