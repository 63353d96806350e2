# rule: object-variant
# SPDX-License-Identifier: Apache-2.0
# A variant is data, and not loaded.
.include "entry.inc"
entry f
  finish
.section vbpf.variant.sfi,"a",@progbits
  .byte 0
