# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Moves the shadow stack.
.include "entry.inc"
entry f
  incsspq %rax
  finish
