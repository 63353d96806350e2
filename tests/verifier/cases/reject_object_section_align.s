# rule: object-section
# SPDX-License-Identifier: Apache-2.0
# An alignment beyond a page.
.include "entry.inc"
entry f
  finish
.section .data
  .p2align 16
  .quad 0
