# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Waits outside the budget.
.include "entry.inc"
entry f
  tpause %eax
  finish
