# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# A REX that is not last is ignored.
.include "entry.inc"
entry f
  .byte 0x48,0x66,0x89,0xc0
  finish
