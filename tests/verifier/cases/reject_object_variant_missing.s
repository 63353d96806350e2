# rule: object-variant
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The object says why it has no such variant.
.include "entry.inc"
entry f
  finish
.section vbpf.missing.sfi,"",@progbits
  .ascii "asm statement in a.cpp"
