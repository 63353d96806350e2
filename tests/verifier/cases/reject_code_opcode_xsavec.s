# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Saves state of the host.
.include "entry.inc"
entry f
  xsavec (%rdi)
  finish
