# rule: manifest
# SPDX-License-Identifier: Apache-2.0
# More bytes of a packet than an engine copies.
.include "entry.inc"
entry f
  finish
.section vbpf.manifest,"a",@progbits
  .long 0x46504256
  .short 1,40
  .long 0,8193
  .quad 0,0,0x0
