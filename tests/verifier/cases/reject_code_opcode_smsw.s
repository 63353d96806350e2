# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reveals a control register.
.include "entry.inc"
entry f
  smsw %eax
  finish
