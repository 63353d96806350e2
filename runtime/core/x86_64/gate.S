/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates between the host and an extension. Every WRPKRU of the user engine is in this file. PKRU values are the
 * kernel's and the CPU's: bit 2k denies access to key k, bit 2k+1 writing.
 */
#include "offsets.h"

  .text
#define FUNCTION(name) .balign 32; .globl name; .hidden name; .type name, @function; name:

/* rcx = this thread's struct Call. Only with key 0 open: the address comes through the GOT. */
#define ACTIVE_CALL \
  movq vbpf_active_call@gottpoff(%rip), %rcx; movq %fs:(%rcx), %rcx

/*
 * Nothing of the host's may be left in a register the extension can read. k0-k7 and zmm16-31 no extension can name, and
 * one whose code names no vector register none of these: CALL_FLAG_VECTORS.
 */
#define CLEAR_VECTORS_AVX \
  vpxor %xmm0, %xmm0, %xmm0;  vpxor %xmm1, %xmm1, %xmm1;  vpxor %xmm2, %xmm2, %xmm2;  vpxor %xmm3, %xmm3, %xmm3; \
  vpxor %xmm4, %xmm4, %xmm4;  vpxor %xmm5, %xmm5, %xmm5;  vpxor %xmm6, %xmm6, %xmm6;  vpxor %xmm7, %xmm7, %xmm7; \
  vpxor %xmm8, %xmm8, %xmm8;  vpxor %xmm9, %xmm9, %xmm9;  vpxor %xmm10, %xmm10, %xmm10; \
  vpxor %xmm11, %xmm11, %xmm11; vpxor %xmm12, %xmm12, %xmm12; vpxor %xmm13, %xmm13, %xmm13; \
  vpxor %xmm14, %xmm14, %xmm14; vpxor %xmm15, %xmm15, %xmm15
#define CLEAR_VECTORS_SSE \
  pxor %xmm0, %xmm0;   pxor %xmm1, %xmm1;   pxor %xmm2, %xmm2;   pxor %xmm3, %xmm3; \
  pxor %xmm4, %xmm4;   pxor %xmm5, %xmm5;   pxor %xmm6, %xmm6;   pxor %xmm7, %xmm7; \
  pxor %xmm8, %xmm8;   pxor %xmm9, %xmm9;   pxor %xmm10, %xmm10; pxor %xmm11, %xmm11; \
  pxor %xmm12, %xmm12; pxor %xmm13, %xmm13; pxor %xmm14, %xmm14; pxor %xmm15, %xmm15

/*
 * void vbpf_gate_enter(Call* call);
 * Runs call->trampoline on call->stack_top, with r11 = call->entry and the arguments in their registers, until it
 * leaves through one of the exits below; call->value and call->status say how. Preserves what the ABI says a function
 * preserves, and MXCSR. vbpf_active_call == call. Before: keys as the host has them. Inside: PKRU = call->domain->guest_pkru.
 */
FUNCTION(vbpf_gate_enter)
  .cfi_startproc
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rbx
  .cfi_rel_offset %rbx, -8
  pushq %r12
  .cfi_rel_offset %r12, -16
  pushq %r13
  .cfi_rel_offset %r13, -24
  pushq %r14
  .cfi_rel_offset %r14, -32
  pushq %r15
  .cfi_rel_offset %r15, -40
  movq vbpf_host_rsp@gottpoff(%rip), %rax
  movq %rsp, %fs:(%rax)
  movq %rsp, CALL_HOST_RSP(%rdi)
  movq CALL_DOMAIN(%rdi), %r14
  movl DOMAIN_FLAGS(%r14), %ebx
  testl $CALL_FLAG_FLOAT|CALL_FLAG_VECTORS, %ebx
  jnz 5f
2: movq CALL_ENTRY(%rdi), %r11
  movq CALL_TRAMPOLINE(%rdi), %r10
  movq CALL_ARGUMENTS+8(%rdi), %rsi
  movq CALL_ARGUMENTS+16(%rdi), %rdx
  movq CALL_ARGUMENTS+24(%rdi), %rcx
  movq CALL_ARGUMENTS+32(%rdi), %r8
  movq CALL_ARGUMENTS+40(%rdi), %r9
  movq CALL_STACK_TOP(%rdi), %rsp
  movq CALL_ARGUMENTS(%rdi), %rdi
  testl $CALL_FLAG_PKU, %ebx
  jnz 7f
3: xorl %eax, %eax
  xorl %ebx, %ebx
  xorl %ebp, %ebp
  xorl %r12d, %r12d
  xorl %r13d, %r13d
  xorl %r14d, %r14d
  xorl %r15d, %r15d
  jmp *%r10
5: testl $CALL_FLAG_FLOAT, %ebx
  jz 1f
  stmxcsr CALL_HOST_MXCSR(%rdi) /* 2 ns: only where some instruction looks at MXCSR */
  ldmxcsr default_mxcsr(%rip)
1: testl $CALL_FLAG_VECTORS, %ebx
  jz 2b
  testl $CALL_FLAG_AVX, %ebx
  jz 6f
  CLEAR_VECTORS_AVX
  jmp 2b
6: CLEAR_VECTORS_SSE
  jmp 2b
7: movq %rcx, %r12
  movq %rdx, %r13
  movl DOMAIN_GUEST_PKRU(%r14), %ebx
  movl %ebx, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
  cmpl %ebx, %eax
  jne vbpf_gate_broken
  movq %r12, %rcx
  movq %r13, %rdx
  jmp 3b
  .cfi_endproc
  .size vbpf_gate_enter, .-vbpf_gate_enter

/*
 * The exits, jumped to by the trampolines: r8 = value. Everything else is the extension's, %rsp too.
 * With PKU, eax = RegionInfo.exit_pkru: key 0 and the instance's own open. If the host had more open, it gets it back.
 */
FUNCTION(vbpf_gate_exit_pku)
  .cfi_startproc
  .cfi_undefined %rip
  movl %eax, %ebx
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
  cmpl %ebx, %eax
  jne vbpf_gate_broken
  ACTIVE_CALL
  movq %rcx, %rdi
  movl CALL_HOST_PKRU(%rdi), %eax
  cmpl %ebx, %eax
  je 1f
  xorl %ecx, %ecx
  wrpkru
1: jmp returned
  .cfi_endproc

FUNCTION(vbpf_gate_exit)
  .cfi_startproc
  .cfi_undefined %rip
  ACTIVE_CALL
  movq %rcx, %rdi
returned:
  movq vbpf_host_rsp@gottpoff(%rip), %rcx
  movq %fs:(%rcx), %rsp
  movl $STATUS_RETURNED, CALL_STATUS(%rdi)
leave_to_host: /* on the host's stack. rdi: the call, r8: the value */
  movq %r8, CALL_VALUE(%rdi)
  movq CALL_DOMAIN(%rdi), %rcx
  testl $CALL_FLAG_DIRTY_UPPER|CALL_FLAG_FLOAT, DOMAIN_FLAGS(%rcx)
  jnz 3f
2: popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
3: testl $CALL_FLAG_DIRTY_UPPER, DOMAIN_FLAGS(%rcx)
  jz 1f
  vzeroupper
1: testl $CALL_FLAG_FLOAT, DOMAIN_FLAGS(%rcx)
  jz 2b
  ldmxcsr CALL_HOST_MXCSR(%rdi) /* storing and comparing it costs several times this */
  jmp 2b
  .cfi_endproc

/*
 * Where a signal handler sends a faulted call: rax = the host's PKRU, rcx = rdx = 0, rdi = the call. With PKU the keys
 * are closed until WRPKRU.
 */
FUNCTION(vbpf_gate_fault_pku)
  .cfi_startproc
  .cfi_undefined %rip
  wrpkru
FUNCTION(vbpf_gate_fault)
  movq CALL_HOST_RSP(%rdi), %rsp
  movl $STATUS_FAULT, CALL_STATUS(%rdi)
  xorl %r8d, %r8d
  jmp leave_to_host
  .cfi_endproc

/* void vbpf_gate_abandon(Call* call): ends the call from inside an import. Keys are open. Does not return. */
FUNCTION(vbpf_gate_abandon)
  .cfi_startproc
  .cfi_undefined %rip
  jmp vbpf_gate_fault
  .cfi_endproc

/*
 * The import gates, jumped to by the import stubs: eax = number, r10d = RegionInfo.exit_pkru, arguments in their
 * registers, (%rsp) = where to return to in the extension. The host's part runs on the host's stack below the call's
 * frame, where callee-saved registers survive. Going back is through the return thunk, which checks where to.
 */
FUNCTION(vbpf_gate_import_pku)
  .cfi_startproc
  .cfi_undefined %rip
  movq %rcx, %xmm0
  movq %rdx, %xmm1
  movl %eax, %r11d
  movl %r10d, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
  cmpl %r10d, %eax
  jne vbpf_gate_broken
  jmp import
  .cfi_endproc

FUNCTION(vbpf_gate_import)
  .cfi_startproc
  .cfi_undefined %rip
  movq %rcx, %xmm0
  movq %rdx, %xmm1
  movl %eax, %r11d
import:
  ACTIVE_CALL
  movq %r11, CALL_GUEST+0(%rcx)
  movq %rbx, CALL_GUEST+8(%rcx)
  movq %xmm0, CALL_GUEST+16(%rcx)
  movq %xmm1, CALL_GUEST+24(%rcx)
  movq %rsi, CALL_GUEST+32(%rcx)
  movq %rdi, CALL_GUEST+40(%rcx)
  movq %rbp, CALL_GUEST+48(%rcx)
  movq %rsp, CALL_GUEST+56(%rcx)
  movq %r8, CALL_GUEST+64(%rcx)
  movq %r9, CALL_GUEST+72(%rcx)
  movq %r12, CALL_GUEST+96(%rcx)
  movq %r13, CALL_GUEST+104(%rcx)
  movq %r14, CALL_GUEST+112(%rcx)
  movq %r15, CALL_GUEST+120(%rcx)
  movq %rcx, %rdi
  movl %r11d, %esi
  movq CALL_HOST_RSP(%rdi), %rsp
  pushq %rdi
  movq CALL_DOMAIN(%rdi), %rcx
  testl $CALL_FLAG_DIRTY_UPPER, DOMAIN_FLAGS(%rcx)
  jz 1f
  vzeroupper
1: testl $CALL_FLAG_FLOAT, DOMAIN_FLAGS(%rcx)
  jz 6f
  ldmxcsr CALL_HOST_MXCSR(%rdi)
6: testl $CALL_FLAG_PKU, DOMAIN_FLAGS(%rcx)
  jz 2f
  movl CALL_HOST_PKRU(%rdi), %eax
  cmpl %r10d, %eax
  je 2f
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
2: call vbpf_import
  popq %rdi
  movq %rax, %r8
  movq CALL_DOMAIN(%rdi), %rcx
  testl $CALL_FLAG_FLOAT, DOMAIN_FLAGS(%rcx)
  jz 7f
  ldmxcsr default_mxcsr(%rip)
7: movq vbpf_host_rsp@gottpoff(%rip), %r11 /* a callback may have made a call */
  movq %rsp, %fs:(%r11)
  movq DOMAIN_RETURN_THUNK(%rcx), %r11
  movl DOMAIN_FLAGS(%rcx), %esi
  movl DOMAIN_GUEST_PKRU(%rcx), %r9d
  movq CALL_GUEST+56(%rdi), %rsp
  testl $CALL_FLAG_VECTORS, %esi
  jz 3f
  testl $CALL_FLAG_AVX, %esi
  jz 5f
  CLEAR_VECTORS_AVX
3: testl $CALL_FLAG_PKU, %esi
  jz 4f
  movl %r9d, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
  cmpl %r9d, %eax
  jne vbpf_gate_broken
4: movq %r8, %rax
  xorl %ecx, %ecx
  xorl %edx, %edx
  xorl %esi, %esi
  xorl %edi, %edi
  xorl %r8d, %r8d
  xorl %r9d, %r9d
  xorl %r10d, %r10d
  jmp *%r11
5: CLEAR_VECTORS_SSE
  jmp 3b
  .cfi_endproc

/* A protection key register that does not hold what was written: nothing is confined any more. */
FUNCTION(vbpf_gate_broken)
  ud2

/* void vbpf_gate_set_pkru(uint32_t value): for threads that touch an instance's memory between calls. */
FUNCTION(vbpf_gate_set_pkru)
  movl %edi, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
  ret

  .section .rodata
  .balign 4
default_mxcsr: .long MXCSR_DEFAULT

  .section .note.GNU-stack, "", @progbits
