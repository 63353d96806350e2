# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel variant has no vector registers.
.include "entry.inc"
entry f
  vpgatherdd %ymm0,(%rdi,%ymm1,4),%ymm2
  finish
