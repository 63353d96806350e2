# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: Only 0F 1F /0 is a plain nop; the others get meanings over time.
.include "entry.inc"
entry f
  .byte 0x0f,0x1f,0xc0
  finish
