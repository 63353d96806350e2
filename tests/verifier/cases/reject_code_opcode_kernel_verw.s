# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Tells of segments.
.include "entry.inc"
entry f
  verw %ax
  finish
