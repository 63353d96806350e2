# rule: code-indirect
# SPDX-License-Identifier: Apache-2.0
# An indirect call through memory.
.include "entry.inc"
entry f
  call *8(%rax)
  finish
