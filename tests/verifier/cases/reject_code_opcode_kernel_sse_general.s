# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# From a general register, but to a vector register.
.include "entry.inc"
entry f
  movq %rax,%xmm0
  finish
