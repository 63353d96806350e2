# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: Intel ignores 66 on a near jump, AMD cuts the target to 16 bits.
.include "entry.inc"
entry f
  .byte 0xe9,0,0,0,0
  finish
