# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Raises a debug exception of the host.
.include "entry.inc"
entry f
  .byte 0xf1
  finish
