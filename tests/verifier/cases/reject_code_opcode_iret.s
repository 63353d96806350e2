# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# A return that also loads flags and segments.
.include "entry.inc"
entry f
  iretq
  finish
