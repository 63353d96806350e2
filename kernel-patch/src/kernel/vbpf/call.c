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

/* False: it is closed. */
static bool enter_shared(struct vbpf_instance *instance)
{
	if (atomic_inc_return(&instance->user) > 0)
		return true;
	atomic_dec(&instance->user);
	return false;
}

/* False: it is closed, or this CPU is inside already, further down its stack, or it took too long. */
static bool wait_for_instance(struct vbpf_instance *instance, int self)
{
	int user = 0, tries;

	for (tries = 0; tries < SERIAL_TRIES && user != self && user != VBPF_INSTANCE_CLOSED; tries++) {
		cpu_relax();
		user = 0;
		if (atomic_try_cmpxchg(&instance->user, &user, self))
			return true;
	}
	return false;
}

/* A full barrier: see domain.c. */
static bool enter_instance(struct vbpf_instance *instance)
{
	int self = smp_processor_id() + 1, user = 0;

	if (unlikely(instance->extension->concurrency == VBPF_CONCURRENCY_SHARED))
		return enter_shared(instance);
	if (likely(atomic_try_cmpxchg(&instance->user, &user, self)))
		return true;
	return user != self && wait_for_instance(instance, self);
}

/* What a fault has closed stays closed. */
static void leave_instance(struct vbpf_instance *instance)
{
	if (unlikely(instance->extension->concurrency == VBPF_CONCURRENCY_SHARED))
		atomic_dec(&instance->user);
	else if (likely(atomic_read(&instance->user) != VBPF_INSTANCE_CLOSED))
		atomic_set_release(&instance->user, 0);
}

/* -EBUSY: not now; -EOPNOTSUPP: not on this CPU, or not in NMI. */
int vbpf_call_begin_inside(struct vbpf_call *call, struct vbpf_extension *extension, struct vbpf_instance *instance)
{
	if (unlikely(!vbpf_arch_cpu_ready() || in_nmi()))
		return -EOPNOTSUPP;
	if (unlikely(!vbpf_domain_enter(extension)))
		goto busy;
	call->slot = vbpf_slot_get(extension->id);
	if (unlikely(!call->slot))
		goto busy;
	call->extension = extension;
	call->instance = instance;
	call->window = instance->window;
	/* A shared instance has a window for each slot. */
	if (unlikely(extension->concurrency == VBPF_CONCURRENCY_SHARED))
		call->window += call->slot->index * VBPF_WINDOW_STRIDE;
	return 0;
busy:
	this_cpu_inc(extension->counters->busy);
	return -EBUSY;
}

int vbpf_call_begin(struct vbpf_call *call, struct vbpf_extension *extension, struct vbpf_instance *instance)
{
	int error;

	if (unlikely(!instance || !enter_instance(instance))) {
		this_cpu_inc(extension->counters->busy);
		return -EBUSY;
	}
	error = vbpf_call_begin_inside(call, extension, instance);
	if (unlikely(error))
		leave_instance(instance);
	return error;
}

void vbpf_call_end_inside(struct vbpf_call *call)
{
	vbpf_slot_put(call->slot);
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
	vbpf_restart_after_fault(call->instance);
	if (wanted)
		*wanted = fault;
}

int vbpf_call_run(struct vbpf_call *call, u64 function, u32 entry, u64 budget, u64 argument, u64 argument2,
		  u64 *value, struct vbpf_fault *fault)
{
	struct vbpf_extension *extension = call->extension;
	struct vbpf_slot *slot = call->slot;
	/* Written before it is read, here or by the gate: clearing it would be half of what an empty call costs. */
	struct vbpf_run run __uninitialized;
	u32 exit;

	run.slot = slot;
	run.instance = call->instance;
	run.pkrs = slot->keys_open & extension->keys_open;
	run.trampoline = call->instance->trampoline;
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
