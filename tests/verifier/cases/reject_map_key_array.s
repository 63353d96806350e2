# rule: map
# SPDX-License-Identifier: Apache-2.0
# An array whose keys are not 4 bytes.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 2,8,8,1
  .ascii "m"
  .zero 15
