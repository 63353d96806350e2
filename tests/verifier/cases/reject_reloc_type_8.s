# rule: reloc-type
# SPDX-License-Identifier: Apache-2.0
# An 8-bit difference.
.include "entry.inc"
entry f
.pushsection .data
  .byte undefined_symbol
.popsection
  finish
