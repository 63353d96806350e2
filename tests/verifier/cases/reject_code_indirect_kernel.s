# rule: code-indirect
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# An indirect branch.
.include "entry.inc"
entry f
  jmp *%rax
  finish
