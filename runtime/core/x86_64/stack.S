/* SPDX-License-Identifier: Apache-2.0 */
/* void vbpf_call_on_stack(void (*function)(void*), void* argument, void* top): calls it there, and comes back. */
  .text
  .balign 32
  .globl vbpf_call_on_stack
  .hidden vbpf_call_on_stack
  .type vbpf_call_on_stack, @function
vbpf_call_on_stack:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq %rdx, %rsp
  andq $-16, %rsp
  movq %rdi, %rax
  movq %rsi, %rdi
  call *%rax
  movq %rbp, %rsp
  popq %rbp
  .cfi_def_cfa %rsp, 8
  ret
  .cfi_endproc
  .size vbpf_call_on_stack, . - vbpf_call_on_stack

  .section .note.GNU-stack, "", @progbits
