# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# %rip-relative, the operand reaches beyond the image by a byte.
.include "entry.inc"
entry f
  mov d+1(%rip),%rax
.pushsection .data
d:
  .quad 0
.popsection
  finish
