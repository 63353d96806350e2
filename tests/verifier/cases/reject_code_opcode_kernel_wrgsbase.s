# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel finds its data through GS.
.include "entry.inc"
entry f
  wrgsbase %rax
  finish
