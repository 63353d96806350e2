# rule: map
# SPDX-License-Identifier: Apache-2.0
# Keys that are too large.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,513,8,1
  .ascii "m"
  .zero 15
