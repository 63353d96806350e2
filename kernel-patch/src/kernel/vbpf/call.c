// SPDX-License-Identifier: GPL-2.0-only
/* What an invocation seldom needs: call.h is the rest. */
#include <linux/hrtimer.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "call.h"

/* A CPU that waits for a serial instance gives up after so many looks at it. */
#define SERIAL_TRIES	1000000

/* False: it is closed. */
static bool enter_shared(struct vbpf_instance *instance)
{
	if (atomic_inc_return(&instance->user) > 0)
		return true;
	atomic_dec(&instance->user);
	return false;
}

/*
 * @user: who is inside. False: it is closed, or this CPU is inside already,
 * further down its stack, or it took too long.
 */
bool vbpf_call_enter_slow(struct vbpf_instance *instance, int user)
{
	int self = smp_processor_id() + 1, tries;

	if (!instance->exclusive)
		return enter_shared(instance);
	for (tries = 0; tries < SERIAL_TRIES && user != self && user != VBPF_INSTANCE_CLOSED; tries++) {
		cpu_relax();
		user = 0;
		if (atomic_try_cmpxchg(&instance->user, &user, self))
			return true;
	}
	return false;
}

/* Its interrupt is all that is wanted: the run's loop looks at the time. */
static enum hrtimer_restart wake_up(struct hrtimer *timer)
{
	return HRTIMER_NORESTART;
}

u32 vbpf_call_run_precise(struct vbpf_run *run, u64 budget_ns, u64 *value)
{
	struct hrtimer timer;
	u32 exit;

	hrtimer_init_on_stack(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer.function = wake_up;
	/* A little later than the budget, so that it is over when the timer fires. */
	hrtimer_start(&timer, ns_to_ktime(budget_ns + budget_ns / 64 + 1000), HRTIMER_MODE_REL_PINNED_HARD);
	exit = vbpf_arch_run(run, value);
	hrtimer_cancel(&timer);
	destroy_hrtimer_on_stack(&timer);
	return exit;
}

/* What ended the run, for the record. */
void vbpf_call_report(struct vbpf_call *call, struct vbpf_run *run, u32 exit, u32 entry,
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
