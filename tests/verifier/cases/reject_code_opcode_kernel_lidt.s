# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The gate's table of interrupts.
.include "entry.inc"
entry f
  lidt (%rdi)
  finish
