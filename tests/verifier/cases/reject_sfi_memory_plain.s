# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# An operand without confinement.
.include "entry.inc"
entry f
  mov (%rdi),%rax
  finish
