# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Cache control.
.include "entry.inc"
entry f
  cldemote (%rdi)
  finish
