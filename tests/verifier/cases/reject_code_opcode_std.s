# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# String instructions of the host would run backwards.
.include "entry.inc"
entry f
  std
  finish
