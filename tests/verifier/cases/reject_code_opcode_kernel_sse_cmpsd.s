# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Shares its name with a string instruction.
.include "entry.inc"
entry f
  cmpltsd %xmm1,%xmm0
  finish
