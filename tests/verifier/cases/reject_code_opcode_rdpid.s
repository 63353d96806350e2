# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reads a register of the kernel.
.include "entry.inc"
entry f
  rdpid %rax
  finish
