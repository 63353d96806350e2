# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Enclaves.
.include "entry.inc"
entry f
  encls
  finish
