# rule: reloc-symbol
# SPDX-License-Identifier: Apache-2.0
# An absolute address.
.include "entry.inc"
entry f
  call a
.globl a
.set a,0x1234
  finish
