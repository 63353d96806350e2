# rule: reloc-symbol
# SPDX-License-Identifier: Apache-2.0
# A reference to a section that is not loaded.
.include "entry.inc"
entry f
  lea d(%rip),%rax
.pushsection .comment
d:
  .quad 0
.popsection
  finish
