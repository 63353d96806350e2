# rule: code-register
# SPDX-License-Identifier: Apache-2.0
# A debug register.
.include "entry.inc"
entry f
  mov %rax,%dr7
  finish
