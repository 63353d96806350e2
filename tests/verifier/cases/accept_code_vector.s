# rule: none
# SPDX-License-Identifier: Apache-2.0
# What clang emits for vectors.
.include "entry.inc"
entry f
  movups (%rdi),%xmm0
  pshufb %xmm1,%xmm0
  pcmpistri $1,%xmm0,%xmm1
  aesenc %xmm0,%xmm1
  pclmulqdq $0,%xmm0,%xmm1
  sha256rnds2 %xmm0,%xmm1
  crc32q %rax,%rcx
  vpaddd (%rdi),%ymm1,%ymm2
  vfmadd231ps %ymm0,%ymm1,%ymm2
  vpgatherdd %ymm0,(%rdi,%ymm1,4),%ymm2
  vcvtph2ps %xmm0,%ymm1
  vzeroupper
  cvttsd2si %xmm0,%rax
  movsd (%rdi),%xmm0
  cmpsd $1,%xmm0,%xmm1
  finish
