# SPDX-License-Identifier: Apache-2.0
.section plugin,"ax",@progbits
.globl a
.type a,@function
a:
  call shared
  jmp __x86_return_thunk
.section .text.shared,"axG",@progbits,shared,comdat
.weak shared
.type shared,@function
shared:
  jmp __x86_return_thunk
