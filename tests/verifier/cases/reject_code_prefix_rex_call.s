# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# REX on a call does nothing.
.include "entry.inc"
entry f
  .byte 0x48,0xe8,0,0,0,0
  finish
