# rule: code-encoding
# SPDX-License-Identifier: Apache-2.0
# 0F AE F0 is mfence; F1 to F7 are reserved forms of it.
.include "entry.inc"
entry f
  .byte 0x0f,0xae,0xf3
  finish
