# rule: map
# SPDX-License-Identifier: Apache-2.0
# A name without an end.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,4,8,1
  .ascii "abcdefghijklmnop"
  .zero 0
