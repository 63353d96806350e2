# rule: object-variant
# SPDX-License-Identifier: Apache-2.0
# A section of the vbpf name space that this version does not know.
.include "entry.inc"
entry f
  finish
.section vbpf.other,"",@progbits
  .byte 0
