# rule: none
# SPDX-License-Identifier: Apache-2.0
# Repetition where it has a meaning.
.include "entry.inc"
entry f
  rep movsq
  rep stosb
  repne scasb
  repe cmpsb
  finish
