# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Not in the baseline.
.include "entry.inc"
entry f
  gf2p8mulb %xmm0,%xmm1
  finish
