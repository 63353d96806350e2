# rule: code-prefix
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A segment override for an operand that is not there.
.include "entry.inc"
entry f
  .byte 0x65,0x50
  finish
