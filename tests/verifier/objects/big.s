# SPDX-License-Identifier: Apache-2.0
# Ten thousand small functions, each in its own section, calling one another.
.section plugin,"ax",@progbits
.globl go
.type go,@function
go:
  call f0
  jmp __x86_return_thunk
.altmacro
.macro function n, next
.section .text.f\n,"ax",@progbits
.globl f\n
.type f\n,@function
f\n:
  push %rbp
  mov %rsp,%rbp
  movabs $0x1122334455667788,%rax
  mov 8(%rdi,%rcx,8),%rdx
  vpaddd (%rdi),%ymm1,%ymm2
  call f\next
  lea f\next(%rip),%rax
  pop %rbp
  jmp __x86_return_thunk
.size f\n,.-f\n
.endm
.set i,0
.rept 9999
function %i, %(i+1)
.set i,i+1
.endr
.section .text.last,"ax",@progbits
.globl f9999
.type f9999,@function
f9999:
  ud2
