# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# An abort is a jump that no check sees.
.include "entry.inc"
entry f
  xbegin 1f
1:
  finish
