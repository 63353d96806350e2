# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# F2 on movs: CPUs repeat, manuals say nothing.
.include "entry.inc"
entry f
  .byte 0xf2,0xa4
  finish
