# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A jump into the data.
.include "entry.inc"
entry f
  jmp d
.pushsection .data
d:
  .quad 0
.popsection
  finish
