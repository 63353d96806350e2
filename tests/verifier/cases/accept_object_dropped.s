# rule: none
# SPDX-License-Identifier: Apache-2.0
# Unwind tables, notes and destructors are not loaded.
.include "entry.inc"
entry f
  finish
.section .fini_array,"aw",@fini_array
  .quad f
.section .note.x,"a",@note
  .quad 0
.section .eh_frame,"a",@unwind
  .quad f
