# rule: map
# SPDX-License-Identifier: Apache-2.0
# Values that are too large.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,4,4097,1
  .ascii "m"
  .zero 15
