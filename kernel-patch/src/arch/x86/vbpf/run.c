// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run: in through the gate, and again after each event that was not the
 * extension's doing.
 *
 * Context: preemption off; interrupts off from binding the slot's event stacks
 * until the run is over, but for what the kernel's own handlers of injected
 * events do. Those may run another extension on this CPU.
 */
#define pr_fmt(fmt) "vbpf: " fmt

#include <linux/build_bug.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/stddef.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/trapnr.h>

#include "vbpf.h"

/* RFLAGS of a run that is resumed: arithmetic, and what must be set. */
#define FLAGS_KEPT	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)
#define FLAGS_SET	(X86_EFLAGS_FIXED | X86_EFLAGS_IF)

static_assert(offsetof(struct vbpf_run, kernel_sp) == RUN_KERNEL_SP);
static_assert(offsetof(struct vbpf_run, function) == RUN_FUNCTION);
static_assert(offsetof(struct vbpf_run, stack) == RUN_STACK);
static_assert(offsetof(struct vbpf_run, argument) == RUN_ARGUMENT);
static_assert(offsetof(struct vbpf_run, argument2) == RUN_ARGUMENT2);
static_assert(offsetof(struct vbpf_run, latch) == RUN_LATCH);
static_assert(offsetof(struct vbpf_run, pkrs) == RUN_PKRS);
static_assert(offsetof(struct vbpf_run, regs) == RUN_REGS);
static_assert(offsetof(struct vbpf_run, ip) == RUN_IP);
static_assert(offsetof(struct vbpf_run, flags) == RUN_FLAGS);
static_assert(offsetof(struct vbpf_run, error_code) == RUN_ERROR_CODE);
static_assert(offsetof(struct vbpf_run, kernel_flags) == RUN_KERNEL_FLAGS);
static_assert(offsetof(struct vbpf_run, frame_alias) == RUN_FRAME_ALIAS);

static bool returned(u32 exit)
{
	return !(exit & ~(VBPF_LATCHED_NMI | VBPF_LATCHED_MC));
}

static u32 resume(struct vbpf_run *run)
{
	u64 *frame = run->slot->frame, value;
	u32 exit;

	vbpf_arch_bind(run, run->slot);
	frame[0] = run->regs[VBPF_DX];
	frame[1] = run->regs[VBPF_CX];
	frame[2] = run->regs[VBPF_AX];
	frame[3] = run->ip;
	frame[4] = __KERNEL_CS;
	frame[5] = (run->flags & FLAGS_KEPT) | FLAGS_SET;
	frame[6] = run->regs[VBPF_SP];
	frame[7] = __KERNEL_DS;
	exit = vbpf_call_gate(vbpf_gate_resume, run, value);
	if (returned(exit))
		run->regs[VBPF_AX] = value;
	return exit;
}

static void inject(u32 vector)
{
	const gate_desc *table = (const gate_desc *)vbpf_kernel_idt.address;

	vbpf_gate_inject(gate_offset(&table[vector]));
}

/* The kernel's NMI handler wants its own stack, so the NMI is sent again. */
static void inject_nmi(void)
{
	__apic_send_IPI(smp_processor_id(), NMI_VECTOR);
	vbpf_gate_unblock_nmi();
}

/* What hit the gate, now that it is behind us. */
static noinline void inject_latched(u32 *latch)
{
	u32 latched = *latch;

	*latch = 0;
	if (latched & VBPF_LATCHED_MC)
		inject(X86_TRAP_MC);
	if (latched & VBPF_LATCHED_NMI)
		inject_nmi();
}

static bool over(const struct vbpf_run *run)
{
	return rdtsc() - (run->start_low | (u64)run->start_high << 32) > run->budget;
}

/* False: it is not the kernel's business, and ends the run. */
static bool handle_event(struct vbpf_run *run, u32 vector)
{
	if (vector == X86_TRAP_NMI) {
		inject_nmi();
	} else if (vector >= 32 || vector == X86_TRAP_MC) {
		inject(vector);
	} else if (vector == X86_TRAP_PF) {
		run->address = read_cr2();
		return vbpf_run_page_fault(run);
	} else {
		return false;
	}
	return true;
}

/*
 * One event or import; true: go on. What an exception means is told by
 * vbpf_arch_describe().
 */
static bool handle(struct vbpf_run *run, u32 *exit)
{
	if (!(*exit == VBPF_EXIT_IMPORT ? vbpf_run_import(run) : handle_event(run, *exit & ~VBPF_EXIT_EVENT)))
		return false;
	if (!over(run))
		return true;
	*exit = VBPF_EXIT_BUDGET;
	return false;
}

/* Interrupts may be as they were before the run; they are afterwards. */
u32 vbpf_arch_go_on(struct vbpf_run *run, u32 exit, u64 value)
{
	bool enabled = returned(exit) ? !irqs_disabled() : run->kernel_flags & X86_EFLAGS_IF;

	/* The gate has not told lockdep. */
	raw_local_irq_disable();
	trace_hardirqs_off();
	run->frame_alias = run->slot->frame_alias;
	if (returned(exit))
		run->regs[VBPF_AX] = value;
	for (;;) {
		if (unlikely(*run->latch))
			inject_latched(run->latch);
		if (returned(exit))
			exit = VBPF_EXIT_RETURN;
		if (exit == VBPF_EXIT_RETURN || !handle(run, &exit))
			break;
		exit = resume(run);
	}
	if (enabled)
		local_irq_enable();
	return exit;
}

/* An event that the gate cannot latch has hit it: nothing is known to be whole. */
asmlinkage __visible __noreturn noinstr void vbpf_gate_broken(unsigned long vector, unsigned long ip)
{
	instrumentation_begin();
	panic("vbpf: vector %lu in the gate at %pS", vector, (void *)ip);
}
