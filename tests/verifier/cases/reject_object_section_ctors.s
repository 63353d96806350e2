# rule: object-section
# SPDX-License-Identifier: Apache-2.0
# Old-style constructors.
.include "entry.inc"
entry f
  finish
.section .ctors,"aw",@progbits
  .quad f
