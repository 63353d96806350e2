# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Relative to %eip.
.include "entry.inc"
entry f
  .byte 0x65,0x67,0x8b,0x05,0,0,0,0
  finish
