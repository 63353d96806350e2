# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Enters the kernel by another door.
.include "entry.inc"
entry f
  syscall
  finish
