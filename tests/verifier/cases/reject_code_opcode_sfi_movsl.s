# rule: code-opcode
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Accesses memory without an operand that could be confined; shares its name with an instruction of SSE.
.include "entry.inc"
entry f
  rep movsl
  finish
