# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# An indirect jump with another prefix is one all the same.
.include "entry.inc"
entry f
  notrack jmp *%rax
  finish
