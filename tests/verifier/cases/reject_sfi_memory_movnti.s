# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A store past the cache.
.include "entry.inc"
entry f
  movnti %eax,(%rdi)
  finish
