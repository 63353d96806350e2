# rule: object-symbol
# SPDX-License-Identifier: Apache-2.0
# A function chosen at run time.
.include "entry.inc"
entry f
.globl i
.type i,@gnu_indirect_function
.set i,f
  finish
