# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Stops the CPU.
.include "entry.inc"
entry f
  hlt
  finish
