# rule: code-indirect
# SPDX-License-Identifier: Apache-2.0
# An indirect jump goes anywhere.
.include "entry.inc"
entry f
  jmp *%rax
  finish
