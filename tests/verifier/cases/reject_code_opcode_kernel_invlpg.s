# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel's translations of addresses.
.include "entry.inc"
entry f
  invlpg (%rdi)
  finish
