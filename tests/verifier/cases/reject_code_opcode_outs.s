# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Port access.
.include "entry.inc"
entry f
  outsb
  finish
