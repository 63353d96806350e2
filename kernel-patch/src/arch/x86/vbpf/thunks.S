/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's code inside a region, copied to VBPF_REGION_THUNKS: thunks
 * and import stubs. It runs with the extension's keys and on
 * its stack, and any register may hold anything: the extension controls all
 * of them but rip.
 *
 * What is refused stops at a ud2 that thunk_report() knows.
 */
#include <asm/vbpf.h>

#define DATA(offset) (vbpf_thunks + (offset))(%rip)

/*
 * BEFORE(part) - address is -1 to -size for an address in that part of the
 * region and nowhere else. For each address in the image's part, its mark is
 * VBPF_REGION_MARKS further. Only what belongs to text is mapped there: another target
 * faults, which thunk_report() knows too.
 */
#define BEFORE(part) (vbpf_thunks - VBPF_REGION_THUNKS + (part) - 1)(%rip)

	.section .rodata, "a", @progbits
	.balign 4096
	.globl vbpf_thunks
vbpf_thunks:

/*
 * Return thunk. The address is checked where it lies, and `ret` keeps the
 * CPU's return predictor right: so it must lie in the stacks, which no other
 * CPU, no nested run and no event can write. Clobbers r11, as a call may.
 *
 * In the region only the text and this page can be run, and so far behind this
 * page as marks are behind the text, there is nothing: it does not matter what
 * is read as the mark of another address.
 */
	movq	%rsp, %r11
	subq	DATA(THUNK_STACKS), %r11
	cmpq	DATA(THUNK_STACKS_SIZE), %r11
	jae	vbpf_thunk_bad_return
	cmpl	$0x76543210, 4(%rsp)
	.globl vbpf_thunk_region
vbpf_thunk_region = . - 4	/* instead of that number, the high half of all addresses in the region */
	jne	1f
	movq	(%rsp), %r11
	testb	$VBPF_TARGET_RETURN, VBPF_REGION_MARKS(%r11)
	jz	vbpf_thunk_bad_return
	ret
1:	/* Not in the region: the first function returns to the gate. */
	cmpq	$vbpf_gate_leave, (%rsp)
	jne	vbpf_thunk_bad_return
	ret

/* Indirect calls and tail calls: r11 is the target. Clobbers r10. */
	.balign 16
	.globl vbpf_thunk_indirect
vbpf_thunk_indirect:
	leaq	BEFORE(VBPF_REGION_IMAGE), %r10
	subq	%r11, %r10
	cmpq	$-VBPF_REGION_IMAGE_SIZE, %r10
	jb	vbpf_thunk_bad_call
	testb	$VBPF_TARGET_ENTRY, VBPF_REGION_MARKS(%r11)
	jz	vbpf_thunk_bad_call
	jmp	*%r11

	.globl vbpf_thunk_bad_return, vbpf_thunk_bad_call
vbpf_thunk_bad_return:
	ud2
vbpf_thunk_bad_call:
	ud2

	.org	vbpf_thunks + 0x100
	.irp register, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	.balign 16
	.ifc \register, rsp
	ud2
	.else
	movq	%\register, %r11
	jmp	vbpf_thunk_indirect
	.endif
	.endr

	.org	vbpf_thunks + 0x200
	number = 0
	.rept 64
	.balign 16
	movl	$number, %eax
	jmp	*DATA(THUNK_IMPORT)
	number = number + 1
	.endr

	.org	vbpf_thunks + THUNK_DATA
	.globl vbpf_thunks_data
vbpf_thunks_data:
	.org	vbpf_thunks + 0x1000

	.section .note.GNU-stack, "", @progbits
