# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reads the shadow stack pointer.
.include "entry.inc"
entry f
  rdsspq %rax
  finish
