# rule: manifest
# SPDX-License-Identifier: Apache-2.0
# No magic number.
.include "entry.inc"
entry f
  finish
.section vbpf.manifest,"a",@progbits
  .long 0x12345678
  .short 1,40
  .long 0,0
  .quad 0,0,0x0
