# rule: entry-constructor
# SPDX-License-Identifier: Apache-2.0
# A table of constructors with half an entry.
.include "entry.inc"
entry f
  finish
.section .init_array,"aw",@init_array
  .long 0
