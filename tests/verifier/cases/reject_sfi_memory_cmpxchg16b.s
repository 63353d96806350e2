# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A read-modify-write.
.include "entry.inc"
entry f
  lock cmpxchg16b (%rdi)
  finish
