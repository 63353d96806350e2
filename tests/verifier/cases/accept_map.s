# rule: none
# SPDX-License-Identifier: Apache-2.0
# A hash and an array.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,512,4096,1
  .ascii "hits"
  .zero 12
  .long 2,4,8,1000000
  .ascii "a.B_9"
  .zero 11
