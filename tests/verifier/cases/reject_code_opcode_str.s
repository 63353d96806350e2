# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reveals the task register.
.include "entry.inc"
entry f
  str %eax
  finish
