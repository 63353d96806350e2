# rule: map
# SPDX-License-Identifier: Apache-2.0
# Descriptors that the code can change.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"aw",@progbits
  .long 1,4,8,1
  .ascii "m"
  .zero 15
