# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# A return that nobody checks.
.include "entry.inc"
entry f
  ret
  finish
