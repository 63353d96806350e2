# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# A segment override that does nothing.
.include "entry.inc"
entry f
  .byte 0x3e,0x48,0x8b,0x07
  finish
