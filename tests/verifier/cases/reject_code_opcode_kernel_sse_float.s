# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel variant has no vector registers.
.include "entry.inc"
entry f
  addsd %xmm1,%xmm0
  finish
