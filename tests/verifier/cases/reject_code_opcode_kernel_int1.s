# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Looks like a debug exception.
.include "entry.inc"
entry f
  .byte 0xf1
  finish
