# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# Only jmp may go to the return thunk.
.include "entry.inc"
entry f
  call __x86_return_thunk
  finish
