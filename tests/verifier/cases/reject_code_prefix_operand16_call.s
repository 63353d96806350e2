# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# The same for call.
.include "entry.inc"
entry f
  .byte 0x66,0xe8,0,0,0,0
  nop
  nop
  finish
