# rule: map
# SPDX-License-Identifier: Apache-2.0
# Something after the name.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,4,8,1
  .asciz "m"
  .ascii "x"
  .zero 13
