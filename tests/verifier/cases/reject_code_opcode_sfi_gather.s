# rule: code-opcode
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Accesses memory without an operand that could be confined.
.include "entry.inc"
entry f
  vpgatherdd %ymm0,(%rdi,%ymm1,4),%ymm2
  finish
