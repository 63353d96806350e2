# rule: code-encoding
# SPDX-License-Identifier: Apache-2.0
# 0F 1E is where shadow stack instructions live.
.include "entry.inc"
entry f
  .byte 0x0f,0x1e,0x00
  finish
