# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: the user variant is there.
.include "entry.inc"
entry f
  finish
.section vbpf.missing.sfi,"",@progbits
  .ascii "asm statement in a.cpp"
