# rule: entry-place
# SPDX-License-Identifier: Apache-2.0
# An entry in the middle of an instruction.
.include "entry.inc"
entry f
  mov $0x12345678,%eax
.globl g
.type g,@function
.set g,f+2
  finish
