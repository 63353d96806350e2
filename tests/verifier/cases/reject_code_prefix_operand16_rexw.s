# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# REX.W overrides 66.
.include "entry.inc"
entry f
  .byte 0x66,0x48,0x01,0xc0
  finish
