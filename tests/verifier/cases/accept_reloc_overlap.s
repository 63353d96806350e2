# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: Two relocations write the same bytes.
.include "entry.inc"
entry f
1:
  lea d(%rip),%rax
.pushsection .data
.globl d
d:
  .quad 0
.popsection
  finish
