# rule: manifest
# SPDX-License-Identifier: Apache-2.0
# A reserved field.
.include "entry.inc"
entry f
  finish
.section vbpf.manifest,"a",@progbits
  .long 0x46504256
  .short 1,40
  .long 0,1
  .quad 0,0,0x0
