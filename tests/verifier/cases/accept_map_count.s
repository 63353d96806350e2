# rule: none
# SPDX-License-Identifier: Apache-2.0
# As many maps as there may be.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
.rept 32
  .long 1,4,8,1
  .ascii "m"
  .zero 15
.endr
