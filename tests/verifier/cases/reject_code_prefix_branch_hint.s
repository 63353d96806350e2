# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# A branch hint.
.include "entry.inc"
entry f
  .byte 0x2e,0x74,0x00
  finish
