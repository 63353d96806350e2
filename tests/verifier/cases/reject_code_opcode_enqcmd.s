# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Writes to a device.
.include "entry.inc"
entry f
  enqcmd (%rdi),%rax
  finish
