# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Changes vector registers without naming one.
.include "entry.inc"
entry f
  vzeroupper
  finish
