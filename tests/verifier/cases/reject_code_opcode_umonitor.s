# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Waits on an address.
.include "entry.inc"
entry f
  umonitor %rax
  finish
