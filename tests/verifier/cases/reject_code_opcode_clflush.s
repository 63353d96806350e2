# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Cache control: a tool for side channels.
.include "entry.inc"
entry f
  clflush (%rdi)
  finish
