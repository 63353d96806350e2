# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: A jump into the data.
.include "entry.inc"
entry f
  lea d(%rip),%rax
.pushsection .data
d:
  .quad 0
.popsection
  finish
