# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Mask registers belong to AVX-512.
.include "entry.inc"
entry f
  kmovw %eax,%k1
  finish
