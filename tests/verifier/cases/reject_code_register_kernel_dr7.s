# rule: code-register
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Debug registers.
.include "entry.inc"
entry f
  mov %rax,%dr7
  finish
