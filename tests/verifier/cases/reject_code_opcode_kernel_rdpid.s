# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Tells the CPU by a register of the host.
.include "entry.inc"
entry f
  rdpid %rax
  finish
