# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Can load the protection key register.
.include "entry.inc"
entry f
  xrstor (%rdi)
  finish
