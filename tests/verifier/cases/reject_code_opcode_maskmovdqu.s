# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Writes through %rdi without an operand.
.include "entry.inc"
entry f
  maskmovdqu %xmm0,%xmm1
  finish
