# rule: code-decode
# SPDX-License-Identifier: Apache-2.0
# The last instruction is cut off by the end of its section: its rest would be whatever the layout puts there.
.include "entry.inc"
entry f
  finish
  .byte 0x48,0xb8,0x01,0x02
