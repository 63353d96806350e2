# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: An indirect call goes anywhere.
.include "entry.inc"
entry f
  call __x86_indirect_thunk_rax
  finish
