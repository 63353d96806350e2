# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Writes through %rax without an operand.
.include "entry.inc"
entry f
  clzero
  finish
