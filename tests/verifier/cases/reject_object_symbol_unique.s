# rule: object-symbol
# SPDX-License-Identifier: Apache-2.0
# An unknown binding.
.include "entry.inc"
entry f
.type u,@gnu_unique_object
.pushsection .data
u:
  .quad 0
.popsection
  finish
