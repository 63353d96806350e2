/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Seats: each CPU keeps one run prepared, that of the entry it calls most, so
 * that the next call of it has nothing to look for: the slot is kept, the CPU
 * bound to it, the extension known to have its key. One atomic operation takes
 * the seat, and shows at once that all of this still holds.
 *
 * Who takes away what a seat relies on (domain.c the key, extension.c and
 * restart.c the extension) has it forgotten. Only the seat's own CPU prepares
 * it, with interrupts off.
 */
#ifndef _KERNEL_VBPF_SEAT_H
#define _KERNEL_VBPF_SEAT_H

#include <linux/atomic.h>
#include <linux/percpu.h>

#include "call.h"

/* More CPUs than these do not keep slots: there are too few. Two are left for nested runs. */
#define VBPF_SEATS	(VBPF_SLOTS - 2)

/* No key is 0, or this. */
#define VBPF_SEAT_TAKEN	0xffffffffULL

/**
 * struct vbpf_seat - a prepared run
 * @run: the first member: who runs on this CPU is compared with the seat
 * @word: vbpf_seat_key() of what is prepared; VBPF_SEAT_TAKEN while it runs; 0: nothing is
 * @key: what @word is between calls
 * @window: the instance's
 * @counters: the extension's
 * @copies: some of the packet is copied, in or back
 * @copy_size, @read_only: the extension's
 * @slot: kept, whether something is prepared or not; NULL: none
 * @candidate: key of the last call that found no seat
 *
 * All but @word is written by its own CPU alone, with interrupts off and @word
 * 0, or by who has taken the seat. Others change @word from the key to 0.
 */
struct vbpf_seat {
	struct vbpf_run run;
	u64 word ____cacheline_aligned;
	u64 key;
	unsigned long window;
	struct vbpf_counters __percpu *counters;
	u32 copy_size;
	bool copies, read_only;
	struct vbpf_extension *extension;
	struct vbpf_instance *instance;
	struct vbpf_slot *slot;
	u64 candidate;
} ____cacheline_aligned;

DECLARE_PER_CPU_ALIGNED(struct vbpf_seat, vbpf_seats);

/* Bit 32 is set in all of them. The entry's highest bit is lost. */
static __always_inline u64 vbpf_seat_key(u32 id, u32 entry)
{
	return id | (u64)(2 * entry + 1) << 32;
}

static inline u32 vbpf_seat_entry(u64 key)
{
	return key >> 33;
}

/*
 * True: the caller has the seat, and all of what was prepared is as it was.
 * Preemption off, any context but NMI.
 */
static __always_inline bool vbpf_seat_take(struct vbpf_seat *seat, u32 id, u32 entry)
{
	u64 key = vbpf_seat_key(id, entry);

	/* Another run has bound this CPU, and is not over. */
	if (unlikely(!vbpf_arch_is_bound(&seat->run)))
		return false;
	return likely(try_cmpxchg(&seat->word, &key, VBPF_SEAT_TAKEN));
}

static __always_inline void vbpf_seat_leave(struct vbpf_seat *seat)
{
	/* Whoever forgets the seat then finds nobody inside. */
	smp_store_release(&seat->word, seat->key);
}

/*
 * @call, which returned from that entry and is still inside, leaves its slot to
 * this CPU's seat. False: it does not.
 */
bool vbpf_seat_prepare(struct vbpf_call *call, u32 entry);

#endif
