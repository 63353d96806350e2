# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Loads floating-point state.
.include "entry.inc"
entry f
  fxrstor (%rdi)
  finish
