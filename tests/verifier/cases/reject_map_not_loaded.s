# rule: map
# SPDX-License-Identifier: Apache-2.0
# Descriptors that are not in memory.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"",@progbits
  .long 1,4,8,1
  .ascii "m"
  .zero 15
