# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# The same for a conditional jump.
.include "entry.inc"
entry f
  .byte 0x66,0x0f,0x84,0,0,0,0
  nop
  nop
  finish
