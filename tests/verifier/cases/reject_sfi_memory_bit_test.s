# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A bit test with a register reaches 2^60 bytes beyond its operand.
.include "entry.inc"
entry f
  bt %rax,%gs:(%edi)
  finish
