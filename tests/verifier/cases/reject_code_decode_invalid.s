# rule: code-decode
# SPDX-License-Identifier: Apache-2.0
# 06 is no instruction in 64-bit mode.
.include "entry.inc"
entry f
  .byte 0x06
  finish
