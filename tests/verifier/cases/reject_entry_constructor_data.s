# rule: entry-constructor
# SPDX-License-Identifier: Apache-2.0
# A constructor in the data.
.include "entry.inc"
entry f
  finish
.section .init_array,"aw",@init_array
  .quad d
  .data
d:
  .quad 0
