# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reads the protection keys.
.include "entry.inc"
entry f
  rdpkru
  finish
