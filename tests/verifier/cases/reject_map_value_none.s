# rule: map
# SPDX-License-Identifier: Apache-2.0
# Values of no bytes.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,4,0,1
  .ascii "m"
  .zero 15
