# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Writes through a register without an operand.
.include "entry.inc"
entry f
  movdir64b (%rdi),%rax
  finish
