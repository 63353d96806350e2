# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: An indirect jump goes anywhere.
.include "entry.inc"
entry f
  jmp __x86_indirect_thunk_rax
  finish
