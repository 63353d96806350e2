# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# The gates do not switch MMX state.
.include "entry.inc"
entry f
  emms
  finish
