# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# The gates do not switch x87 state.
.include "entry.inc"
entry f
  fld1
  finish
