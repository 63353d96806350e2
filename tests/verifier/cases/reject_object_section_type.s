# rule: object-section
# SPDX-License-Identifier: Apache-2.0
# An unknown section type.
.include "entry.inc"
entry f
  finish
.section .odd,"a",@0x6fff4242
  .quad 0
