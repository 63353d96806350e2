# rule: map
# SPDX-License-Identifier: Apache-2.0
# Half a descriptor.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,4,8,1
