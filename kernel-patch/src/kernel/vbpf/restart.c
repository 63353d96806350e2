// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instances that begin: constructors, and what follows a fault.
 *
 * An instance is closed from its creation until its constructors have run, and
 * from a fault until it has been made anew: nobody enters it. Runs that would
 * have are counted as busy.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include <asm/msr.h>

#include "call.h"

static bool is_closed(const struct vbpf_instance *instance)
{
	int user = atomic_read(&instance->user);

	return instance->exclusive ? user == VBPF_INSTANCE_CLOSED : user < 0;
}

/* By a run that is inside. */
static void close_instance(struct vbpf_instance *instance)
{
	int user;

	if (instance->exclusive) {
		atomic_set(&instance->user, VBPF_INSTANCE_CLOSED);
		return;
	}
	user = atomic_read(&instance->user);
	while (user > 0 && !atomic_try_cmpxchg(&instance->user, &user, user - VBPF_INSTANCE_BIAS))
		;
}

static void open_instance(struct vbpf_instance *instance)
{
	if (instance->exclusive)
		atomic_set_release(&instance->user, 0);
	else
		atomic_add_return_release(VBPF_INSTANCE_BIAS, &instance->user);
}

/* Of a closed instance: runs end within their budget. */
static void wait_until_empty(struct vbpf_instance *instance)
{
	while (!instance->exclusive && atomic_read_acquire(&instance->user) != -VBPF_INSTANCE_BIAS)
		usleep_range(100, 1000);
}

static int construct(struct vbpf_extension *extension, struct vbpf_instance *instance, struct vbpf_fault *fault)
{
	u64 deadline = rdtsc() + extension->init_budget, value;
	struct vbpf_call call;
	int error = 0;
	u32 i;

	for (i = 0; i < extension->constructor_count && !error; i++) {
		s64 left = deadline - rdtsc();

		rcu_read_lock();
		preempt_disable();
		error = vbpf_call_begin_inside(&call, extension, instance);
		if (!error) {
			error = vbpf_call_run(&call, instance->base + extension->constructors[i], ~0u, max(left, 1LL),
					      0, 0, &value, fault);
			vbpf_call_end_inside(&call);
		}
		preempt_enable();
		rcu_read_unlock();
		cond_resched();
	}
	return error;
}

/*
 * Runs the constructors of a closed instance, and opens it. -ECANCELED: one
 * faulted, and @fault says how. Process context, with the extension's mutex.
 */
int vbpf_construct(struct vbpf_extension *extension, struct vbpf_instance *instance, struct vbpf_fault *fault)
{
	int error = construct(extension, instance, fault);

	if (!error)
		open_instance(instance);
	return error;
}

static bool may_restart(struct vbpf_extension *extension)
{
	if (time_after(jiffies, extension->minute_start + 60 * HZ)) {
		extension->minute_start = jiffies;
		extension->minute_restarts = 0;
	}
	return extension->minute_restarts++ < extension->max_restarts;
}

/* False: it may not, or its constructors failed. */
static bool restart_instance(struct vbpf_extension *extension, struct vbpf_instance *instance)
{
	if (!may_restart(extension))
		return false;
	vbpf_instance_reset(instance);
	if (vbpf_construct(extension, instance, NULL))
		return false;
	WRITE_ONCE(extension->restarts, extension->restarts + 1);
	return true;
}

static void restart_work(struct work_struct *work)
{
	struct vbpf_extension *extension = container_of(work, struct vbpf_extension, restart);
	u32 i;

	mutex_lock(&extension->mutex);
	for (i = 0; i < extension->instance_count; i++) {
		struct vbpf_instance *instance = &extension->instances[i];

		if (!is_closed(instance))
			continue;
		wait_until_empty(instance);
		if (READ_ONCE(extension->state) == VBPF_STATE_RUNNING && restart_instance(extension, instance))
			continue;
		cmpxchg(&extension->state, VBPF_STATE_RUNNING, VBPF_STATE_DETACHED);
		/* Nobody runs it any more; its key can be had. */
		open_instance(instance);
	}
	if (READ_ONCE(extension->state) != VBPF_STATE_RUNNING)
		vbpf_seats_forget_wait(extension);
	mutex_unlock(&extension->mutex);
	vbpf_userfault_restarted(extension);
}

void vbpf_restart_init(struct vbpf_extension *extension)
{
	INIT_WORK(&extension->restart, restart_work);
	extension->minute_start = jiffies;
}

/* What the policy says, by the run that faulted, which is still inside. Faults of constructors are their caller's. */
void vbpf_restart_after_fault(struct vbpf_instance *instance)
{
	struct vbpf_extension *extension = instance->extension;

	if (is_closed(instance))
		return;
	if (extension->on_fault == VBPF_ON_FAULT_DETACH) {
		cmpxchg(&extension->state, VBPF_STATE_RUNNING, VBPF_STATE_DETACHED);
		/* Of CPUs that are inside at this moment, it is the work's. release() waits for that. */
		if (!vbpf_seats_forget(extension))
			schedule_work(&extension->restart);
	} else if (extension->on_fault == VBPF_ON_FAULT_RESTART) {
		close_instance(instance);
		/* release() waits for it. */
		schedule_work(&extension->restart);
	}
}
