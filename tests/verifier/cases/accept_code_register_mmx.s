# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: PADDB also exists for MMX registers, which share state with x87.
.include "entry.inc"
entry f
  paddb %xmm1,%xmm0
  finish
