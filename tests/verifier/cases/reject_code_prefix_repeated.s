# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# The same prefix twice.
.include "entry.inc"
entry f
  .byte 0x66,0x66,0x89,0xc0
  finish
