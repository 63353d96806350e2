// SPDX-License-Identifier: GPL-2.0-only
/*
 * An invocation: an instance, a slot, the keys of both, and the run.
 *
 * Context: any but NMI; preemption off and under RCU from vbpf_call_begin() to
 * vbpf_call_end().
 */
#include <linux/hrtimer.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/msr.h>

#include "vbpf.h"

/* A CPU that waits for a serial instance gives up after so many looks at it. */
#define SERIAL_TRIES	1000000

struct vbpf_instance *vbpf_call_instance(struct vbpf_extension *extension)
{
	u32 index = extension->concurrency == VBPF_CONCURRENCY_PER_CPU ? smp_processor_id() : 0;

	return index < extension->instance_count ? &extension->instances[index] : NULL;
}

/* False: this CPU is inside already, further down its stack, or it took too long. */
static bool enter_instance(struct vbpf_instance *instance)
{
	int self = smp_processor_id() + 1, user, tries;

	if (instance->extension->concurrency == VBPF_CONCURRENCY_SHARED)
		return true;
	for (tries = 0; tries < SERIAL_TRIES; tries++) {
		user = 0;
		if (atomic_try_cmpxchg_acquire(&instance->user, &user, self))
			return true;
		if (user == self)
			return false;
		cpu_relax();
	}
	return false;
}

static void leave_instance(struct vbpf_instance *instance)
{
	if (instance->extension->concurrency != VBPF_CONCURRENCY_SHARED)
		atomic_set_release(&instance->user, 0);
}

/* -EBUSY: not now; -EOPNOTSUPP: not on this CPU, or not in NMI. */
int vbpf_call_begin(struct vbpf_call *call, struct vbpf_extension *extension, struct vbpf_instance *instance)
{
	if (unlikely(!vbpf_arch_cpu_ready() || in_nmi()))
		return -EOPNOTSUPP;
	if (!instance || !enter_instance(instance))
		goto busy;
	call->slot = vbpf_slot_get(extension->id);
	if (!call->slot) {
		leave_instance(instance);
		goto busy;
	}
	call->extension = extension;
	call->instance = instance;
	call->window = vbpf_window(instance, call->slot);
	return 0;
busy:
	this_cpu_inc(extension->counters->busy);
	return -EBUSY;
}

void vbpf_call_end(struct vbpf_call *call)
{
	vbpf_slot_put(call->slot);
	leave_instance(call->instance);
}

/* Its interrupt is all that is wanted: the run's loop looks at the time. */
static enum hrtimer_restart wake_up(struct hrtimer *timer)
{
	return HRTIMER_NORESTART;
}

static u32 run_precise(struct vbpf_run *run, u64 budget_ns)
{
	struct hrtimer timer;
	u32 exit;

	hrtimer_init_on_stack(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer.function = wake_up;
	/* A little later than the budget, so that it is over when the timer fires. */
	hrtimer_start(&timer, ns_to_ktime(budget_ns + budget_ns / 64 + 1000), HRTIMER_MODE_REL_PINNED_HARD);
	exit = vbpf_arch_run(run);
	hrtimer_cancel(&timer);
	destroy_hrtimer_on_stack(&timer);
	return exit;
}

/* What ended the run, for the record. */
static noinline void report(struct vbpf_call *call, struct vbpf_run *run, u32 exit, u32 entry,
			    struct vbpf_fault *wanted)
{
	struct vbpf_extension *extension = call->extension;
	struct vbpf_fault fault = { };

	vbpf_arch_describe(run, call->instance->base, exit, &fault);
	if (exit == VBPF_EXIT_IMPORT)
		vbpf_import_describe(run, &fault);
	fault.instance = call->instance - extension->instances;
	fault.cpu = smp_processor_id();
	fault.entry = entry;
	fault.stack_top = call->slot->stack_top;
	fault.base = call->instance->base;
	this_cpu_inc(extension->counters->faults);
	vbpf_record_fault(extension, &fault);
	if (wanted)
		*wanted = fault;
}

int vbpf_call_run(struct vbpf_call *call, u64 function, u32 entry, u64 budget, u64 argument, u64 argument2,
		  u64 *value, struct vbpf_fault *fault)
{
	struct vbpf_extension *extension = call->extension;
	struct vbpf_slot *slot = call->slot;
	struct vbpf_run run;
	u32 exit;

	run.slot = slot;
	run.instance = call->instance;
	run.pkrs = vbpf_pkrs(slot->key, extension->domain_key);
	run.trampoline = vbpf_thunk_call(call->instance->base);
	run.regs[VBPF_R11] = function;
	run.regs[VBPF_SP] = slot->stack_top;
	run.regs[VBPF_DI] = argument;
	run.regs[VBPF_SI] = argument2;
	run.deadline = rdtsc() + budget;
	if (unlikely(extension->flags & VBPF_PRECISE))
		exit = run_precise(&run, extension->budget_ns);
	else
		exit = vbpf_arch_run(&run);
	this_cpu_inc(extension->counters->invocations);
	if (likely(exit == VBPF_EXIT_RETURN)) {
		*value = run.regs[VBPF_AX];
		return 0;
	}
	report(call, &run, exit, entry, fault);
	return -ECANCELED;
}
