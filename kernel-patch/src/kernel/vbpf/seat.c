// SPDX-License-Identifier: GPL-2.0-only
/* Seats, but for taking and leaving them: see seat.h. */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/processor.h>

#include "seat.h"

DEFINE_PER_CPU_ALIGNED(struct vbpf_seat, vbpf_seats);

static void fill(struct vbpf_seat *seat, struct vbpf_call *call, u32 entry)
{
	struct vbpf_extension *extension = call->extension;
	struct vbpf_instance *instance = call->instance;

	seat->key = vbpf_seat_key(extension->id, entry);
	seat->extension = extension;
	seat->instance = instance;
	seat->window = call->window;
	seat->counters = extension->counters;
	seat->copy_size = extension->copy_size;
	seat->read_only = extension->flags & VBPF_READ_ONLY;
	seat->copies = seat->copy_size || !seat->read_only;
	vbpf_call_prepare(call, &seat->run, instance->base + extension->entries[entry], extension->budget,
			  call->window, 0);
	seat->run.outer = NULL;
}

bool vbpf_seat_prepare(struct vbpf_call *call, u32 entry)
{
	struct vbpf_seat *seat = this_cpu_ptr(&vbpf_seats);
	struct vbpf_extension *extension = call->extension;
	u64 key = vbpf_seat_key(extension->id, entry);
	struct vbpf_run *current_run;
	unsigned long flags;
	bool prepared = false;

	if (extension->concurrency != VBPF_CONCURRENCY_PER_CPU || extension->flags & VBPF_PRECISE ||
	    num_online_cpus() > VBPF_SEATS)
		return false;
	/* Two that take turns would only push each other off. */
	if (seat->candidate != key) {
		seat->candidate = key;
		return false;
	}
	local_irq_save(flags);
	current_run = this_cpu_read(vbpf_current_run);
	if ((current_run && current_run != &seat->run) || READ_ONCE(seat->word) == VBPF_SEAT_TAKEN)
		goto out;
	WRITE_ONCE(seat->word, 0);
	if (seat->slot)
		vbpf_slot_put(seat->slot);
	seat->slot = call->slot;
	fill(seat, call, entry);
	vbpf_arch_bind(&seat->run, seat->slot);
	/* Before the word: who takes it runs at once. */
	smp_store_release(&seat->word, key);
	/* Pairs with vbpf_seats_forget(): one of the two sees what the other wrote. */
	smp_mb();
	if (READ_ONCE(extension->state) != VBPF_STATE_RUNNING || !READ_ONCE(extension->domain_key))
		WRITE_ONCE(seat->word, 0);
	prepared = true;
out:
	local_irq_restore(flags);
	return prepared;
}

/* False: the seat's run is inside that instance. Preemption off; by who has entered the instance otherwise. */
bool vbpf_seat_give_up(const struct vbpf_instance *instance)
{
	struct vbpf_seat *seat = this_cpu_ptr(&vbpf_seats);

	if (likely(seat->instance != instance))
		return true;
	if (READ_ONCE(seat->word) == VBPF_SEAT_TAKEN)
		return false;
	WRITE_ONCE(seat->word, 0);
	return true;
}

/*
 * Nobody calls the extension by its seats any more. The caller has written what
 * keeps them from being prepared again. False: somebody is calling it now.
 */
bool vbpf_seats_forget(const struct vbpf_extension *extension)
{
	bool forgotten = true;
	int cpu;

	/* Pairs with vbpf_seat_prepare(). */
	smp_mb();
	for_each_possible_cpu(cpu) {
		struct vbpf_seat *seat = per_cpu_ptr(&vbpf_seats, cpu);
		u64 word = READ_ONCE(seat->word);

		while ((u32)word == extension->id && word != VBPF_SEAT_TAKEN) {
			if (try_cmpxchg(&seat->word, &word, 0))
				break;
		}
		if (word == VBPF_SEAT_TAKEN && READ_ONCE(seat->extension) == extension)
			forgotten = false;
	}
	return forgotten;
}

/* The same, and waits: runs end within their budget. Process context. */
void vbpf_seats_forget_wait(const struct vbpf_extension *extension)
{
	while (!vbpf_seats_forget(extension)) {
		cpu_relax();
		cond_resched();
	}
}

struct vbpf_slot *vbpf_run_spare_slot(bool prepared)
{
	struct vbpf_seat *seat = this_cpu_ptr(&vbpf_seats);
	struct vbpf_slot *slot = NULL;
	unsigned long flags;
	u64 word;

	local_irq_save(flags);
	word = READ_ONCE(seat->word);
	if (word != VBPF_SEAT_TAKEN && (prepared || !word)) {
		WRITE_ONCE(seat->word, 0);
		slot = seat->slot;
		seat->slot = NULL;
	}
	local_irq_restore(flags);
	return slot;
}

void vbpf_run_cpu_goes(void)
{
	struct vbpf_slot *slot = vbpf_run_spare_slot(true);

	if (slot)
		vbpf_slot_put(slot);
}
