# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Enters the kernel.
.include "entry.inc"
entry f
  sysenter
  finish
