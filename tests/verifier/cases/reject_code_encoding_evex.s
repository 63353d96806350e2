# rule: code-encoding
# SPDX-License-Identifier: Apache-2.0
# AVX-512.
.include "entry.inc"
entry f
  vaddps %zmm0,%zmm1,%zmm2
  finish
