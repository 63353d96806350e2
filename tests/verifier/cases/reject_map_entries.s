# rule: map
# SPDX-License-Identifier: Apache-2.0
# No room for anything.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,4,8,0
  .ascii "m"
  .zero 15
