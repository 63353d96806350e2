# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Interrupts are how an invocation is ended.
.include "entry.inc"
entry f
  cli
  finish
