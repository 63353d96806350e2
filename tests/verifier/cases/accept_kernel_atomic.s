# rule: none
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Atomic operations and fences.
.include "entry.inc"
entry f
  lock xadd %rax,(%rdi)
  lock cmpxchg16b (%rdi)
  xchg %eax,(%rdi)
  mfence
  lfence
  pause
  finish
