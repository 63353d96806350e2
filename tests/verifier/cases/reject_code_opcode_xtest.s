# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Part of transactions.
.include "entry.inc"
entry f
  xtest
  finish
