# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Has general operands but for one.
.include "entry.inc"
entry f
  cvttsd2si %xmm0,%rax
  finish
