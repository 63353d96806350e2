# rule: code-opcode
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Loads %rsp from %rbp.
.include "entry.inc"
entry f
  leave
  finish
