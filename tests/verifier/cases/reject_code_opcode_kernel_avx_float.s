# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel variant has no vector registers.
.include "entry.inc"
entry f
  vaddsd %xmm1,%xmm0,%xmm2
  finish
