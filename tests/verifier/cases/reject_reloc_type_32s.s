# rule: reloc-type
# SPDX-License-Identifier: Apache-2.0
# A 32-bit absolute address.
.include "entry.inc"
entry f
  mov $d,%eax
.pushsection .data
d:
  .quad 0
.popsection
  finish
