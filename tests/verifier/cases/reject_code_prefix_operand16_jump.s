# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# Intel ignores 66 on a near jump, AMD cuts the target to 16 bits.
.include "entry.inc"
entry f
  .byte 0x66,0xe9,0,0,0,0
  nop
  nop
  finish
