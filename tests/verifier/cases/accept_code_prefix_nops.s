# rule: none
# SPDX-License-Identifier: Apache-2.0
# Every nop that the assembler pads with.
.include "entry.inc"
entry f
  .nops 1
  .nops 2
  .nops 3
  .nops 4
  .nops 5
  .nops 6
  .nops 7
  .nops 8
  .nops 9
  .nops 10
  .nops 11
  .nops 12
  .nops 13
  .nops 14
  .nops 15
  .p2align 6
  xchg %ax,%ax
  finish
