# rule: code-opcode
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Accesses memory without an operand that could be confined.
.include "entry.inc"
entry f
  cmpsb
  finish
