# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reveals a kernel address.
.include "entry.inc"
entry f
  sgdt (%rdi)
  finish
