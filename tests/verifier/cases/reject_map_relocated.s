# rule: map
# SPDX-License-Identifier: Apache-2.0
# A descriptor that the linker would write.
.include "entry.inc"
entry f
  finish
.section vbpf.maps,"a",@progbits
  .long 1,4,8,1
  .quad f
  .quad 0
