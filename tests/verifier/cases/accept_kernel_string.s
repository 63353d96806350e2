# rule: none
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# String instructions, those too that share their name with one of SSE.
.include "entry.inc"
entry f
  rep movsb
  rep movsl
  rep movsq
  rep stosl
  repe cmpsl
  repne scasq
  finish
