/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader's code inside a region, copied to VBPF_OFF_THUNKS: thunks, trampolines, import stubs. It is position
 * independent; what differs between instances is in struct RegionInfo, one page before, which the extension cannot
 * write. Everything here runs confined (protection keys closed, on the extension's stack), and any register may hold
 * anything: the extension controls all of them but rip.
 *
 * In a region whose extension is confined by SFI, only %rsp and constants may be trusted to be addresses inside the
 * region, so nothing else is dereferenced without %gs: and 32-bit addressing.
 */
#include "offsets.h"

/*
 * Tells where an address lies without loading a bound: BEFORE(part) - address is -1 to -size in that part of the region,
 * and nowhere else. The part of the target map is mapped as a whole, with zeros for what is not text, so each address
 * in the image's part has its mark MARKS bytes on.
 */
#define BEFORE(part) (vbpf_blob_start - REGION_THUNKS + (part) - 1)(%rip)
#define MARKS (REGION_TARGET_MAP - REGION_IMAGE)

#define INFO(field) (vbpf_blob_start - 0x1000 + (field))(%rip)

  .section .rodata.vbpf_blob, "a", @progbits
  .balign 4096
  .globl vbpf_blob_start
  .hidden vbpf_blob_start
vbpf_blob_start:

#define SYMBOL(name) .balign 16, 0xcc; .globl name; .hidden name; name:
/* What every call and return of an extension goes through: each within one cache line. */
#define HOT_SYMBOL(name) .balign 64, 0xcc; SYMBOL(name)

/*
 * Return thunk where only this thread can write the stack: the address is checked where it lies, and `ret` keeps the
 * CPU's return predictor right. The extension may have put %rsp anywhere, so first: is it the stack? A window has other
 * writers (the kernel puts packets there), who could change the address between check and `ret`. Clobbers r11, as a
 * call may.
 */
HOT_SYMBOL(vbpf_blob_return_in_place)
  leaq BEFORE(REGION_STACKS), %r11
  subq %rsp, %r11
  cmpq $-REGION_STACKS_SIZE, %r11
  jb 2f
  leaq BEFORE(REGION_IMAGE), %r11
  subq (%rsp), %r11
  cmpq $-REGION_IMAGE_SIZE, %r11
  jb 1f
  movq (%rsp), %r11
  testb $1, MARKS(%r11) /* VBPF_TARGET_RETURN */
  jz 2f
  ret
1: /* Not in the text: the first function returns to its trampoline. */
  leaq vbpf_blob_call_return(%rip), %r11
  cmpq %r11, (%rsp)
  jne 3f
  ret
3: leaq vbpf_blob_batch_return(%rip), %r11
  cmpq %r11, (%rsp)
  jne 2f
  ret
2: movq (%rsp), %rdx
  jmp bad_return

/*
 * Return thunk where other threads can write the stack: what was checked is in a register. Clobbers r10, r11.
 */
HOT_SYMBOL(vbpf_blob_return_popped)
  popq %r11
  leaq BEFORE(REGION_IMAGE), %r10
  subq %r11, %r10
  cmpq $-REGION_IMAGE_SIZE, %r10
  jb 1f
  testb $1, MARKS(%r11)
  jz 2f
  jmp *%r11
1: leaq vbpf_blob_call_return(%rip), %r10
  cmpq %r10, %r11
  je 3f
  leaq vbpf_blob_batch_return(%rip), %r10
  cmpq %r10, %r11
  jne 2f
3: jmp *%r11
2: movq %r11, %rdx
  jmp bad_return

/* Indirect calls and tail calls. Clobber r10, r11, which carry no argument. */
HOT_SYMBOL(vbpf_blob_indirect_r11)
  leaq BEFORE(REGION_IMAGE), %r10
  subq %r11, %r10
  cmpq $-REGION_IMAGE_SIZE, %r10
  jb 1f
  testb $2, MARKS(%r11) /* VBPF_TARGET_ENTRY */
  jz 1f
  jmp *%r11
1: movq %r11, %rdx
  movl $REPORT_BAD_CALL, %eax
  jmp import

#define INDIRECT(register) SYMBOL(vbpf_blob_indirect_##register) movq %register, %r11; jmp vbpf_blob_indirect_r11;
INDIRECT(rax) INDIRECT(rcx) INDIRECT(rdx) INDIRECT(rbx) INDIRECT(rbp) INDIRECT(rsi) INDIRECT(rdi)
INDIRECT(r8) INDIRECT(r9) INDIRECT(r10) INDIRECT(r12) INDIRECT(r13) INDIRECT(r14) INDIRECT(r15)

bad_return: /* rdx: the target */
  movl $REPORT_BAD_RETURN, %eax
import:
  movl INFO(INFO_EXIT_PKRU), %r10d
  jmp *INFO(INFO_IMPORT_GATE)

/*
 * Calls one function: r11 is its address (the host's word, no check), arguments are in their registers. Comes from vbpf_gate_enter, goes to
 * INFO_EXIT_GATE with the value in r8; eax is what the exit writes to PKRU. A hostile extension may return here at any
 * depth, with any %rsp: that ends the invocation, nothing else.
 */
SYMBOL(vbpf_blob_call)
  call *%r11
vbpf_blob_call_return:
leave:
  movq %rax, %r8
  movl INFO(INFO_EXIT_PKRU), %eax
  jmp *INFO(INFO_EXIT_GATE)

/*
 * Calls one function for each XdpSlot in [rdi, rsi): r11 is its address, rsp that of the control room. The extension
 * may change the registers that count here; it can make itself miss slots or run until its budget ends, and it can
 * write verdicts where it could have written anyway: every access is confined by %gs: and 32-bit addressing.
 */
SYMBOL(vbpf_blob_batch)
  movq %rdi, %rbx
  movq %rsi, %r12
  movq %rsp, %r14
  movl $0, %gs:CONTROL_PROGRESS(%r14d)
  movq %r11, %r13
1: movq %rbx, %rdi
  movq %r13, %r11
  call vbpf_blob_indirect_r11
vbpf_blob_batch_return:
  movl %eax, %gs:SLOT_VERDICT(%ebx)
  incl %gs:CONTROL_PROGRESS(%r14d)
  addq $SLOT_SIZE, %rbx
  cmpq %r12, %rbx
  jb 1b
  jmp leave

/* Imports: called by the extension, return to it through the return thunk. */
#define VBPF_IMPORT(number, name, result, parameters) \
  SYMBOL(vbpf_blob_import_##name) movl $number, %eax; jmp import;
#include "vbpf/imports.def"
#undef VBPF_IMPORT

  .globl vbpf_blob_end
  .hidden vbpf_blob_end
vbpf_blob_end:
  .section .note.GNU-stack, "", @progbits
