# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Flags are only for arithmetic.
.include "entry.inc"
entry f
  pushfq
  finish
