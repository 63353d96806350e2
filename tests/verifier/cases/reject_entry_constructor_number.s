# rule: entry-constructor
# SPDX-License-Identifier: Apache-2.0
# A constructor that is a number.
.include "entry.inc"
entry f
  finish
.section .init_array,"aw",@init_array
  .quad 0x401000
