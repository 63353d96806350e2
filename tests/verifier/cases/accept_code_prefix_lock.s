# rule: none
# SPDX-License-Identifier: Apache-2.0
# A lock where it has a meaning.
.include "entry.inc"
entry f
  lock xaddl %eax,(%rdi)
  lock cmpxchg16b (%rdi)
  finish
