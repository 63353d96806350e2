# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Changes how the host rounds.
.include "entry.inc"
entry f
  vldmxcsr (%rdi)
  finish
