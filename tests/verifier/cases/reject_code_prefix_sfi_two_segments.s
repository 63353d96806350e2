# rule: code-prefix
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Two overrides: the last one counts, and it is not %gs.
.include "entry.inc"
entry f
  .byte 0x65,0x3e,0x67,0x8b,0x07
  finish
