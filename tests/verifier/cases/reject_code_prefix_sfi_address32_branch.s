# rule: code-prefix
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# 67 on a branch.
.include "entry.inc"
entry f
  .byte 0x67,0xe8,0,0,0,0
  finish
