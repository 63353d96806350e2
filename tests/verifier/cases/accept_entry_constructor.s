# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: A constructor in the middle of an instruction.
.include "entry.inc"
entry f
  mov $0x12345678,%eax
  finish
.section .init_array,"aw",@init_array
  .quad f+5
