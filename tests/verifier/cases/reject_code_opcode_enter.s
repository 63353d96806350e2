# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Writes the stack without an operand.
.include "entry.inc"
entry f
  enter $16,$0
  finish
