# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# An abort is a jump that nobody checks.
.include "entry.inc"
entry f
  xbegin f
  finish
