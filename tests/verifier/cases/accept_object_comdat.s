# rule: none
# SPDX-License-Identifier: Apache-2.0
# A function in a group, as templates are.
.include "entry.inc"
entry f
  call g
  finish
.section .text.g,"axG",@progbits,g,comdat
.weak g
.type g,@function
g:
  finish
