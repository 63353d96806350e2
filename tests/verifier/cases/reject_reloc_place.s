# rule: reloc-place
# SPDX-License-Identifier: Apache-2.0
# A relocation that writes beyond its section.
.include "entry.inc"
entry f
.pushsection .data
1:
  .quad 0
  .reloc 1b+6, R_X86_64_64, f
.popsection
  finish
