# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A jump into the middle of the return thunk, past its check.
.include "entry.inc"
entry f
  jmp __x86_return_thunk+4
  finish
