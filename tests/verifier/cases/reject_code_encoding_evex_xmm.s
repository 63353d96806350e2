# rule: code-encoding
# SPDX-License-Identifier: Apache-2.0
# AVX-512VL: EVEX also with small registers.
.include "entry.inc"
entry f
  vpaddd %xmm16,%xmm1,%xmm2
  finish
