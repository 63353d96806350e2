# rule: none
# SPDX-License-Identifier: Apache-2.0
# What clang emits for integers.
.include "entry.inc"
entry f
  mov (%rdi),%rax
  movzbl (%rdi),%eax
  movslq %eax,%rcx
  lea 8(%rdi,%rcx,4),%rdx
  adc %rax,%rcx
  imul $3,%rax,%rcx
  div %rcx
  shld $3,%rax,%rcx
  bswap %rax
  bt %rax,(%rdi)
  cmove %rax,%rcx
  setne %al
  xchg %rax,(%rdi)
  lock cmpxchg %rcx,(%rdi)
  push %rbp
  mov %rsp,%rbp
  sub $0x100000,%rsp
  leave
  movabs $0x1122334455667788,%rax
  cqto
  endbr64
  ud2
  int3
  finish
