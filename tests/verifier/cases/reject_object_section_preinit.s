# rule: object-section
# SPDX-License-Identifier: Apache-2.0
# Constructors before the constructors.
.include "entry.inc"
entry f
  finish
.section .preinit_array,"aw",@preinit_array
  .quad f
