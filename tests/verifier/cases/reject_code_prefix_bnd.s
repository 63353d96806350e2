# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# BND on a call.
.include "entry.inc"
entry f
  .byte 0xf2,0xe8,0,0,0,0
  finish
