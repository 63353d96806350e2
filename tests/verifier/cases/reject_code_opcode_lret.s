# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# A far return.
.include "entry.inc"
entry f
  lretq
  finish
