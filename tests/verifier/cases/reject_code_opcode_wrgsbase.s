# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Moves the region that SFI relies on.
.include "entry.inc"
entry f
  wrgsbase %rax
  finish
