# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# A reserved nop on some CPUs, bounds registers on others.
.include "entry.inc"
entry f
  .byte 0xf3,0x0f,0x1b,0x00
  finish
