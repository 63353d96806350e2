/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: the way into an extension and all ways out.
 *
 * Every write of PKRS and every LIDT of vBPF is in this file, but the 0 that a
 * CPU is set up with (cpu.c). Between the two
 * LIDTs of a stay interrupts are off but while the extension's own code runs,
 * and that is how the two are told apart: an event whose frame says that
 * interrupts were off has hit the gate itself. An NMI or a machine check there
 * is latched and the C code delivers it; anything else ends in a panic.
 *
 * In each of these: %gs is the kernel's, as an extension cannot change it.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/page_types.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/smap.h>
#include <asm/unwind_hints.h>
#include <asm/vbpf.h>

#define MSR_IA32_PKRS	0x6e1

/* Opens all keys. Clobbers rax, rcx, rdx. Nothing of the extension's making is in what is written. */
.macro OPEN_KEYS
	xorl	%eax, %eax
	xorl	%edx, %edx
	movl	$MSR_IA32_PKRS, %ecx
	wrmsr
.endm

/*
 * Out of the kernel's sight. The caller expects to find no register but rbp
 * and rsp as it was: see vbpf_call_gate(). rdi: struct vbpf_run.
 */
.macro LEAVE_KERNEL
	pushq	%rbp
	movq	%rsp, RUN_KERNEL_SP(%rdi)
	lidt	vbpf_extension_idt(%rip)
	UNWIND_HINT_UNDEFINED
.endm

/*
 * Back to the caller of vbpf_gate_enter() or vbpf_gate_resume() with the keys
 * open and interrupts off. rdi: struct vbpf_run; eax: what to return.
 */
.macro BACK_TO_KERNEL
	movq	RUN_KERNEL_SP(%rdi), %rsp
	lidt	vbpf_kernel_idt(%rip)
	popq	%rbp
	popq	RUN_KERNEL_FLAGS(%rdi)
	UNWIND_HINT_FUNC
	RET
.endm

	.section .noinstr.text, "ax"

/*
 * u32 vbpf_gate_enter(struct vbpf_run *run): calls run->function on its stack.
 * Keys open before and after. Interrupts are as they were when it returns
 * VBPF_EXIT_RETURN and what is latched, with the value in r8; else they are
 * off, and run->kernel_flags says what they were. Nothing is in a register
 * when the extension sees it but the arguments and constants.
 */
SYM_CODE_START(vbpf_gate_enter)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	pushfq
	cli
	LEAVE_KERNEL
	movq	RUN_FUNCTION(%rdi), %r11
	movq	RUN_STACK(%rdi), %rsp
	movq	RUN_ARGUMENT2(%rdi), %rsi
	movl	RUN_PKRS(%rdi), %eax
	movq	RUN_ARGUMENT(%rdi), %rdi
	movl	$MSR_IA32_PKRS, %ecx
	xorl	%edx, %edx
	wrmsr
	/* From here on key-0 memory is closed. */
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	sti
	ANNOTATE_RETPOLINE_SAFE
	call	*%r11

/*
 * The first function has returned, or something returned to here: rsp and all
 * registers are the extension's. rax: the value.
 */
SYM_INNER_LABEL(vbpf_gate_leave, SYM_L_GLOBAL)
	UNWIND_HINT_UNDEFINED
	ANNOTATE_NOENDBR
	cli
	movq	%rax, %r8
	OPEN_KEYS
	movq	PER_CPU_VAR(vbpf_current_run), %rdi
	movq	RUN_KERNEL_SP(%rdi), %rsp
	lidt	vbpf_kernel_idt(%rip)
	/* Nothing can be latched any more. */
	movq	RUN_LATCH(%rdi), %rcx
	movl	(%rcx), %eax
	popq	%rbp
	popfq
	UNWIND_HINT_FUNC
	RET
SYM_CODE_END(vbpf_gate_enter)

/*
 * u32 vbpf_gate_resume(struct vbpf_run *run): goes on where an event came,
 * with the registers of run->regs. rdx, rcx, rax and what IRET needs are in
 * the slot's frame, which is read through its alias: under the slot's key,
 * and not writable by anyone. Interrupts off, before and after. Returns what
 * vbpf_gate_enter() does.
 */
SYM_CODE_START(vbpf_gate_resume)
	UNWIND_HINT_FUNC
	ANNOTATE_NOENDBR
	pushfq
	LEAVE_KERNEL
	movq	RUN_REG(3)(%rdi), %rbx
	movq	RUN_REG(5)(%rdi), %rbp
	movq	RUN_REG(6)(%rdi), %rsi
	movq	RUN_REG(8)(%rdi), %r8
	movq	RUN_REG(9)(%rdi), %r9
	movq	RUN_REG(10)(%rdi), %r10
	movq	RUN_REG(11)(%rdi), %r11
	movq	RUN_REG(12)(%rdi), %r12
	movq	RUN_REG(13)(%rdi), %r13
	movq	RUN_REG(14)(%rdi), %r14
	movq	RUN_REG(15)(%rdi), %r15
	movq	RUN_FRAME_ALIAS(%rdi), %rsp
	movl	RUN_PKRS(%rdi), %eax
	movq	RUN_REG(7)(%rdi), %rdi
	movl	$MSR_IA32_PKRS, %ecx
	xorl	%edx, %edx
	wrmsr
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq
SYM_CODE_END(vbpf_gate_resume)

/*
 * An import was called: eax is its number, rdi, rsi, rdx and rcx are arguments,
 * and the place to go back to should be on top of the stack. What a call may
 * clobber is not kept.
 */
SYM_CODE_START(vbpf_gate_import)
	UNWIND_HINT_UNDEFINED
	ANNOTATE_NOENDBR
	cli
	cld
	ASM_CLAC
	movl	%eax, %r8d
	movq	%rdx, %r9
	movq	%rcx, %r10
	OPEN_KEYS
	movq	PER_CPU_VAR(vbpf_current_run), %rax
	movq	%r8, RUN_REG(0)(%rax)
	movq	%r10, RUN_REG(1)(%rax)
	movq	%r9, RUN_REG(2)(%rax)
	movq	%rbx, RUN_REG(3)(%rax)
	movq	%rsp, RUN_REG(4)(%rax)
	movq	%rbp, RUN_REG(5)(%rax)
	movq	%rsi, RUN_REG(6)(%rax)
	movq	%rdi, RUN_REG(7)(%rax)
	movq	%r12, RUN_REG(12)(%rax)
	movq	%r13, RUN_REG(13)(%rax)
	movq	%r14, RUN_REG(14)(%rax)
	movq	%r15, RUN_REG(15)(%rax)
	movq	%rax, %rdi
	movl	$VBPF_EXIT_IMPORT, %eax
	BACK_TO_KERNEL
SYM_CODE_END(vbpf_gate_import)

/*
 * An event, on the slot's IST page: vector, error code, and the frame of the
 * CPU. Nobody else can write that page.
 */
#define EVENT_IP	16
#define EVENT_FLAGS	32
#define EVENT_SP	40
#define EVENT_END	56
SYM_CODE_START_LOCAL(vbpf_gate_event)
	UNWIND_HINT_UNDEFINED
	ASM_CLAC
	cld
	testl	$X86_EFLAGS_IF, EVENT_FLAGS(%rsp)
	jz	.Lin_the_gate
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	OPEN_KEYS
	movq	PER_CPU_VAR(vbpf_current_run), %rax
	popq	RUN_REG(2)(%rax)
	popq	RUN_REG(1)(%rax)
	popq	RUN_REG(0)(%rax)
	movq	%rbx, RUN_REG(3)(%rax)
	movq	%rbp, RUN_REG(5)(%rax)
	movq	%rsi, RUN_REG(6)(%rax)
	movq	%rdi, RUN_REG(7)(%rax)
	movq	%r8, RUN_REG(8)(%rax)
	movq	%r9, RUN_REG(9)(%rax)
	movq	%r10, RUN_REG(10)(%rax)
	movq	%r11, RUN_REG(11)(%rax)
	movq	%r12, RUN_REG(12)(%rax)
	movq	%r13, RUN_REG(13)(%rax)
	movq	%r14, RUN_REG(14)(%rax)
	movq	%r15, RUN_REG(15)(%rax)
	movq	%rax, %rdi
	popq	%rax
	orl	$VBPF_EXIT_EVENT, %eax
	popq	RUN_ERROR_CODE(%rdi)
	popq	RUN_IP(%rdi)
	addq	$8, %rsp
	popq	RUN_FLAGS(%rdi)
	popq	RUN_REG(4)(%rdi)
	BACK_TO_KERNEL

.Lin_the_gate:
	popq	%rdi
	addq	$8, %rsp
	popq	%rsi
	OPEN_KEYS
	movq	PER_CPU_VAR(vbpf_current_run), %rax
	movq	RUN_KERNEL_SP(%rax), %rsp
	lidt	vbpf_kernel_idt(%rip)
	andq	$-16, %rsp
	pushq	$0
	jmp	vbpf_gate_broken
SYM_CODE_END(vbpf_gate_event)

/* An NMI, which may have hit the gate: the word above its frame is the latch. */
SYM_CODE_START_LOCAL(vbpf_gate_nmi)
	UNWIND_HINT_UNDEFINED
	testl	$X86_EFLAGS_IF, EVENT_FLAGS(%rsp)
	jnz	vbpf_gate_event
	orl	$VBPF_LATCHED_NMI, EVENT_END(%rsp)
	addq	$16, %rsp
	iretq
SYM_CODE_END(vbpf_gate_nmi)

/*
 * A machine check, which may have hit the gate. If it has hit an NMI there is
 * no way back: IRET would let another NMI onto its frame. rsp was in the NMI
 * page then.
 */
#define MC_END	(VBPF_PAGE_MC * PAGE_SIZE + PAGE_SIZE)
SYM_CODE_START_LOCAL(vbpf_gate_mc)
	UNWIND_HINT_UNDEFINED
	testl	$X86_EFLAGS_IF, EVENT_FLAGS(%rsp)
	jnz	vbpf_gate_event
	pushq	%rax
	movq	EVENT_SP + 8(%rsp), %rax
	subq	%rsp, %rax
	addq	$(MC_END - EVENT_END - 8 - VBPF_PAGE_NMI * PAGE_SIZE), %rax
	cmpq	$PAGE_SIZE, %rax
	popq	%rax
	jb	vbpf_gate_event
	orl	$VBPF_LATCHED_MC, EVENT_END - MC_END + VBPF_PAGE_NMI * PAGE_SIZE + VBPF_LATCH(%rsp)
	addq	$16, %rsp
	iretq
SYM_CODE_END(vbpf_gate_mc)

/* One for each vector: the error code that the CPU does not push, and the number. */
#define WITH_ERROR_CODE	0x60227d00	/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX */
	.balign 16
SYM_CODE_START(vbpf_gate_stubs)
	vector = 0
	.rept 256
	.balign 16
	UNWIND_HINT_UNDEFINED
	ANNOTATE_NOENDBR	/* IBT is off where this runs */
	.if vector >= 32
	pushq	$0
	.elseif !((WITH_ERROR_CODE >> vector) & 1)
	pushq	$0
	.endif
	pushq	$vector
	.if vector == 2
	jmp	vbpf_gate_nmi
	.elseif vector == 18
	jmp	vbpf_gate_mc
	.else
	jmp	vbpf_gate_event
	.endif
	vector = vector + 1
	.endr
	.balign 16
SYM_CODE_END(vbpf_gate_stubs)

/*
 * void vbpf_gate_inject(unsigned long handler): runs a handler of the kernel's
 * interrupt table as if its event had come here. Interrupts off.
 */
SYM_FUNC_START(vbpf_gate_inject)
	pushq	%rbp
	movq	%rsp, %rbp
	andq	$-16, %rsp
	pushq	$__KERNEL_DS
	pushq	%rbp
	pushfq
	pushq	$__KERNEL_CS
	CALL_NOSPEC rdi
	/* The handler's IRET has popped all; objtool cannot know. */
	movq	%rbp, %rsp
	popq	%rbp
	RET
SYM_FUNC_END(vbpf_gate_inject)

/* void vbpf_gate_unblock_nmi(void): lets NMIs come again after one has left an extension. */
SYM_FUNC_START(vbpf_gate_unblock_nmi)
	pushq	%rbp
	movq	%rsp, %rbp
	andq	$-16, %rsp
	UNWIND_HINT_UNDEFINED
	pushq	$__KERNEL_DS
	pushq	%rbp
	pushfq
	pushq	$__KERNEL_CS
	leaq	.Lunblocked(%rip), %rax
	pushq	%rax
	iretq
.Lunblocked:
	UNWIND_HINT_UNDEFINED
	popq	%rbp
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(vbpf_gate_unblock_nmi)
