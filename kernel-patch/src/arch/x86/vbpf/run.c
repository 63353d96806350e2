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
static_assert(offsetof(struct vbpf_run, regs) == RUN_REGS);
static_assert(offsetof(struct vbpf_run, ip) == RUN_IP);
static_assert(offsetof(struct vbpf_run, flags) == RUN_FLAGS);
static_assert(offsetof(struct vbpf_run, error_code) == RUN_ERROR_CODE);
static_assert(offsetof(struct vbpf_run, pkrs) == RUN_PKRS);
static_assert(offsetof(struct vbpf_run, trampoline) == RUN_TRAMPOLINE);
static_assert(offsetof(struct vbpf_run, frame_alias) == RUN_FRAME_ALIAS);

static u32 resume(struct vbpf_run *run)
{
	u64 *frame = run->slot->frame;

	vbpf_arch_bind(run, run->slot);
	frame[0] = run->regs[VBPF_DX];
	frame[1] = run->regs[VBPF_CX];
	frame[2] = run->regs[VBPF_AX];
	frame[3] = run->ip;
	frame[4] = __KERNEL_CS;
	frame[5] = (run->flags & FLAGS_KEPT) | FLAGS_SET;
	frame[6] = run->regs[VBPF_SP];
	frame[7] = __KERNEL_DS;
	return vbpf_call_gate(vbpf_gate_resume, run);
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

static bool over(const struct vbpf_run *run)
{
	return (s64)(rdtsc() - run->deadline) > 0;
}

/*
 * One event or import; true: go on. What an exception means is told by
 * vbpf_arch_describe().
 */
static bool handle(struct vbpf_run *run, u32 *exit)
{
	if (*exit == VBPF_EXIT_IMPORT) {
		if (!vbpf_run_import(run))
			return false;
	} else if (*exit == X86_TRAP_NMI) {
		inject_nmi();
	} else if (*exit >= 32 || *exit == X86_TRAP_MC) {
		inject(*exit);
	} else if (*exit == X86_TRAP_PF) {
		run->address = read_cr2();
		if (!vbpf_run_page_fault(run))
			return false;
	} else {
		return false;
	}
	if (!over(run))
		return true;
	*exit = VBPF_EXIT_BUDGET;
	return false;
}

u32 vbpf_arch_go_on(struct vbpf_run *run, u32 exit)
{
	run->frame_alias = run->slot->frame_alias;
	for (;;) {
		if (unlikely(*run->slot->nmi_latch)) {
			*run->slot->nmi_latch = 0;
			inject_nmi();
		}
		if (exit == VBPF_EXIT_RETURN || !handle(run, &exit))
			return exit;
		exit = resume(run);
	}
}

/* An event other than an NMI hit the gate: nothing is known to be whole. */
asmlinkage __visible __noreturn noinstr void vbpf_gate_broken(unsigned long vector, unsigned long ip)
{
	instrumentation_begin();
	panic("vbpf: vector %lu in the gate at %pS", vector, (void *)ip);
}
