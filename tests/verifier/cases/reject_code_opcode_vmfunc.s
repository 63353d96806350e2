# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Changes the memory map from inside a guest.
.include "entry.inc"
entry f
  vmfunc
  finish
