# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# 67 on a string instruction.
.include "entry.inc"
entry f
  .byte 0x67,0xf3,0xaa
  finish
