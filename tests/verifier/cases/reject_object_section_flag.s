# rule: object-section
# SPDX-License-Identifier: Apache-2.0
# An unknown section flag: large.
.include "entry.inc"
entry f
  finish
.section .ldata,"awl",@progbits
  .quad 0
