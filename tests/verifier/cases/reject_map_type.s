# rule: map
# SPDX-License-Identifier: Apache-2.0
# A type that is neither hash nor array.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 3,4,8,1
  .ascii "programs"
  .zero 8
