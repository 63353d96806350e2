# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Privileged, and loads state.
.include "entry.inc"
entry f
  xrstors (%rdi)
  finish
