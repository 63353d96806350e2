# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# 66 on a byte operation does nothing.
.include "entry.inc"
entry f
  .byte 0x66,0x38,0x01
  finish
