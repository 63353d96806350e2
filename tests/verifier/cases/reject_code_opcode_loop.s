# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Not emitted by compilers.
.include "entry.inc"
entry f
1:
  loop 1b
  finish
