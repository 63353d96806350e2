/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An invocation: an instance, a slot, the keys of both, and the run. In line,
 * because it is what every packet pays.
 *
 * Context: any but NMI; preemption off and under RCU from vbpf_call_begin() to
 * vbpf_call_end().
 */
#ifndef _KERNEL_VBPF_CALL_H
#define _KERNEL_VBPF_CALL_H

#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <asm/msr.h>

#include "vbpf.h"

/**
 * struct vbpf_call - an invocation and the memory it works on
 * @window: its context is there, its packet VBPF_WINDOW_HEADROOM after the page
 *
 * vbpf_call_begin() finds an instance and a slot, vbpf_call_run() runs, and
 * vbpf_call_end() gives them back; after that the window is somebody else's.
 * The ones for who is inside already: it has closed the instance, or nobody
 * else knows it.
 */
struct vbpf_call {
	struct vbpf_extension *extension;
	struct vbpf_instance *instance;
	struct vbpf_slot *slot;
	unsigned long window;
};

static inline unsigned long vbpf_window_packet(unsigned long window)
{
	return window + PAGE_SIZE + VBPF_WINDOW_HEADROOM;
}

/* call.c */
bool vbpf_call_enter_slow(struct vbpf_instance *instance, int user);
u32 vbpf_call_run_precise(struct vbpf_run *run, u64 budget_ns, u64 *value);
void vbpf_call_report(struct vbpf_call *call, struct vbpf_run *run, u32 exit, u32 entry, struct vbpf_fault *wanted);

/* Whether the entry can be called now. */
static __always_inline bool vbpf_is_running(const struct vbpf_extension *extension, u32 entry)
{
	/* Pairs with the release in vbpf_extension_start(). */
	return smp_load_acquire(&extension->state) == VBPF_STATE_RUNNING && entry < extension->entry_count;
}

static __always_inline struct vbpf_instance *vbpf_call_instance(struct vbpf_extension *extension)
{
	u32 index = extension->concurrency == VBPF_CONCURRENCY_PER_CPU ? smp_processor_id() : 0;

	return index < extension->instance_count ? &extension->instances[index] : NULL;
}

/* A full barrier: see domain.c. False: not now. */
static __always_inline bool vbpf_call_enter(struct vbpf_instance *instance)
{
	int user = 0;

	/* Of a shared instance, which has a count there, it is never that. */
	if (!instance->exclusive || unlikely(!atomic_try_cmpxchg(&instance->user, &user, smp_processor_id() + 1)))
		return vbpf_call_enter_slow(instance, user);
	if (instance->extension->concurrency == VBPF_CONCURRENCY_SERIAL || likely(vbpf_seat_give_up(instance)))
		return true;
	atomic_set_release(&instance->user, 0);
	return false;
}

/* What a fault has closed stays closed. */
static __always_inline void vbpf_call_leave(struct vbpf_instance *instance)
{
	if (unlikely(!instance->exclusive))
		atomic_dec(&instance->user);
	else if (likely(atomic_read(&instance->user) != VBPF_INSTANCE_CLOSED))
		atomic_set_release(&instance->user, 0);
}

/* -EBUSY: not now; -EOPNOTSUPP: not on this CPU, or not in NMI. */
static __always_inline int vbpf_call_begin_inside(struct vbpf_call *call, struct vbpf_extension *extension,
						  struct vbpf_instance *instance)
{
	if (unlikely(!__this_cpu_read(vbpf_arch_cpu_ready) || in_nmi()))
		return -EOPNOTSUPP;
	call->slot = likely(vbpf_domain_enter(extension)) ? vbpf_slot_get(extension->id) : NULL;
	if (unlikely(!call->slot)) {
		this_cpu_inc(extension->counters->busy);
		return -EBUSY;
	}
	call->extension = extension;
	call->instance = instance;
	call->window = instance->window;
	/* A shared instance has a window for each slot. */
	if (unlikely(!instance->exclusive))
		call->window += call->slot->index * VBPF_WINDOW_STRIDE;
	return 0;
}

static __always_inline int vbpf_call_begin(struct vbpf_call *call, struct vbpf_extension *extension,
					   struct vbpf_instance *instance)
{
	int error;

	if (unlikely(!instance || !vbpf_call_enter(instance))) {
		this_cpu_inc(extension->counters->busy);
		return -EBUSY;
	}
	error = vbpf_call_begin_inside(call, extension, instance);
	if (unlikely(error))
		vbpf_call_leave(instance);
	return error;
}

static __always_inline void vbpf_call_end_inside(struct vbpf_call *call)
{
	vbpf_slot_put(call->slot);
}

static __always_inline void vbpf_call_end(struct vbpf_call *call)
{
	vbpf_slot_put(call->slot);
	vbpf_call_leave(call->instance);
}

static __always_inline void vbpf_call_prepare(const struct vbpf_call *call, struct vbpf_run *run, u64 function,
					      u64 budget, u64 argument, u64 argument2)
{
	run->slot = call->slot;
	run->instance = call->instance;
	run->pkrs = call->slot->keys_open & call->extension->keys_open;
	run->function = function;
	run->stack = call->slot->stack_top;
	run->latch = call->slot->latch;
	run->argument = argument;
	run->argument2 = argument2;
	run->budget = budget;
}

/* -ECANCELED: it faulted, and @fault is written if it is not NULL. */
static __always_inline int vbpf_call_run(struct vbpf_call *call, u64 function, u32 entry, u64 budget, u64 argument,
					 u64 argument2, u64 *value, struct vbpf_fault *fault)
{
	struct vbpf_extension *extension = call->extension;
	/* Written before it is read, here or by the gate: clearing it would be half of what an empty call costs. */
	struct vbpf_run run __uninitialized;
	u32 exit;

	vbpf_call_prepare(call, &run, function, budget, argument, argument2);
	vbpf_arch_set_start(&run);
	if (unlikely(extension->flags & VBPF_PRECISE))
		exit = vbpf_call_run_precise(&run, extension->budget_ns, value);
	else
		exit = vbpf_arch_run(&run, value);
	this_cpu_inc(extension->counters->invocations);
	if (likely(exit == VBPF_EXIT_RETURN))
		return 0;
	vbpf_call_report(call, &run, exit, entry, fault);
	return -ECANCELED;
}

#endif
