# rule: none
# SPDX-License-Identifier: Apache-2.0
# Everything set.
.include "entry.inc"
entry f
  finish
.section vbpf.manifest,"a",@progbits
  .long 0x46504256
  .short 1,40
  .long 2,0x80000040
  .quad 8388608,1073741824,0x0
