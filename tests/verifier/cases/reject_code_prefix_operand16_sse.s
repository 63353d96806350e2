# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# 66 beside F3 does nothing.
.include "entry.inc"
entry f
  .byte 0x66,0xf3,0x0f,0x10,0xc0
  finish
