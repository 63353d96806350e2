# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# %esp is written and nobody puts the base back.
.include "entry.inc"
entry f
  mov %ebp,%esp
  push %rax
  finish
