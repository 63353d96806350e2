# rule: code-register
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Control registers.
.include "entry.inc"
entry f
  mov %rax,%cr3
  finish
