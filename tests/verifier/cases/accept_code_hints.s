# rule: none
# SPDX-License-Identifier: Apache-2.0
# Fences, pause and prefetches.
.include "entry.inc"
entry f
  pause
  lfence
  mfence
  sfence
  prefetcht0 (%rdi)
  prefetchw (%rdi)
  movnti %eax,(%rdi)
  finish
