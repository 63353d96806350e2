# rule: none
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Twin: %rip-relative, but outside the image.
.include "entry.inc"
entry f
  mov d(%rip),%rax
  mov %rax,d(%rip)
.pushsection .data
d:
  .quad 0
.popsection
  finish
