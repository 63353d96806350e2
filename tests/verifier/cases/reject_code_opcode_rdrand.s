# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Random numbers come from an import.
.include "entry.inc"
entry f
  rdrand %eax
  finish
