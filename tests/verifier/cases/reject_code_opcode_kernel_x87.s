# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel variant has no x87 registers.
.include "entry.inc"
entry f
  fld1
  finish
