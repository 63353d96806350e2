# rule: none
# SPDX-License-Identifier: Apache-2.0
# An endless loop is the budget's affair.
.include "entry.inc"
entry f
1:
  jmp 1b
  finish
