# rule: reloc-overlap
# SPDX-License-Identifier: Apache-2.0
# Two relocations write the same bytes.
.include "entry.inc"
entry f
1:
  lea d(%rip),%rax
  .reloc 1b+4, R_X86_64_PC32, d-4
.pushsection .data
.globl d
d:
  .quad 0
.popsection
  finish
