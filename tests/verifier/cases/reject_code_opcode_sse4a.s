# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# AMD only.
.include "entry.inc"
entry f
  extrq %xmm1,%xmm0
  finish
