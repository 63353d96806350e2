# rule: import-address
# SPDX-License-Identifier: Apache-2.0
# The address of the return thunk.
.include "entry.inc"
entry f
  movabs $__x86_return_thunk,%rax
  finish
