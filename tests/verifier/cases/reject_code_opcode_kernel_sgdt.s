# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Tells an address of the host.
.include "entry.inc"
entry f
  sgdt (%rdi)
  finish
