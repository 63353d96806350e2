# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Opens every protection key.
.include "entry.inc"
entry f
  wrpkru
  finish
