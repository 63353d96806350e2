# rule: code-indirect
# SPDX-License-Identifier: Apache-2.0
# An indirect call goes anywhere.
.include "entry.inc"
entry f
  call *%rax
  finish
