# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reads through %rbx without an operand.
.include "entry.inc"
entry f
  xlatb
  finish
