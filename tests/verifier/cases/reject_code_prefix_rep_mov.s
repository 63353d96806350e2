# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# F3 on an instruction without repetition.
.include "entry.inc"
entry f
  .byte 0xf3,0x89,0xc0
  finish
