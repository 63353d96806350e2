# rule: map
# SPDX-License-Identifier: Apache-2.0
# Keys of no bytes.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,0,8,1
  .ascii "m"
  .zero 15
