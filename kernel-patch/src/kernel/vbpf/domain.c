// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domain keys. There are fewer of them than extensions may be loaded: when one
 * without a key is called, it gets that of the extension that was least busy.
 *
 * An extension's pages have its key, or key 0, the kernel's, while it has none:
 * nobody but the kernel can touch them then. A key is taken away only while
 * nobody is inside any instance. Who enters an instance looks for the key after
 * that, and both are full barriers: one of the two sees the other.
 *
 * Page tables change at once, but TLBs remember. So every change of a key's
 * owner makes a new generation of it, and a CPU flushes before it runs with a
 * generation it has not flushed for. No CPU waits for another.
 */
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>

#include "vbpf.h"

/**
 * struct domain - a key
 * @owner: NULL: free
 * @seen: the owner's invocations when a key was last looked for
 */
struct domain {
	struct vbpf_extension *owner;
	u64 seen;
};

/* Of domains, generations, and extensions' domain_key. Taken in any context but NMI. */
static DEFINE_RAW_SPINLOCK(lock);
static struct domain domains[VBPF_DOMAINS];
u32 vbpf_domain_generations[16];
DEFINE_PER_CPU(u32[16], vbpf_domain_flushed);

static u64 invocations(const struct vbpf_extension *extension)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(extension->counters, cpu)->invocations);
	return sum;
}

static bool anybody_inside(const struct vbpf_extension *extension)
{
	u32 i;

	for (i = 0; i < extension->instance_count; i++) {
		if (atomic_read(&extension->instances[i].user))
			return true;
	}
	return false;
}

static void set_keys(struct vbpf_extension *extension, u32 key)
{
	u32 i;

	for (i = 0; i < extension->instance_count; i++)
		vbpf_instance_set_key(&extension->instances[i], key);
}

/* False: somebody is inside. Afterwards it has no key, and nobody enters with the old one. */
static bool take_away(struct domain *domain)
{
	struct vbpf_extension *owner = domain->owner;
	u32 key = owner->domain_key;

	WRITE_ONCE(owner->domain_key, 0);
	/* A full barrier, which pairs with entering an instance: who entered before this is seen below. */
	if (!vbpf_seats_forget(owner) || anybody_inside(owner)) {
		WRITE_ONCE(owner->domain_key, key);
		return false;
	}
	set_keys(owner, 0);
	domain->owner = NULL;
	return true;
}

static struct domain *find_free(void)
{
	u32 i;

	for (i = 0; i < VBPF_DOMAINS; i++) {
		if (!domains[i].owner)
			return &domains[i];
	}
	return NULL;
}

/* The one whose owner was called least since the last time; NULL: all of them are in use. */
static struct domain *find_idle(void)
{
	u64 calls[VBPF_DOMAINS];
	u32 i, tries, best;

	for (i = 0; i < VBPF_DOMAINS; i++) {
		u64 now = invocations(domains[i].owner);

		calls[i] = now - domains[i].seen;
		domains[i].seen = now;
	}
	for (tries = 0; tries < VBPF_DOMAINS; tries++) {
		best = 0;
		for (i = 1; i < VBPF_DOMAINS; i++) {
			if (calls[i] < calls[best])
				best = i;
		}
		if (take_away(&domains[best]))
			return &domains[best];
		calls[best] = U64_MAX;
	}
	return NULL;
}

/* Interrupts off. 0: none was to be had. */
static u32 give_key(struct vbpf_extension *extension)
{
	struct domain *domain;
	u32 key;

	raw_spin_lock(&lock);
	key = extension->domain_key;
	domain = key ? NULL : find_free() ?: find_idle();
	if (domain) {
		key = VBPF_KEY_DOMAIN + (domain - domains);
		set_keys(extension, key);
		domain->owner = extension;
		domain->seen = invocations(extension);
		extension->keys_open = vbpf_keys_open(key);
		extension->key_changes++;
		WRITE_ONCE(vbpf_domain_generations[key], vbpf_domain_generations[key] + 1);
		/* Who sees the key sees all of that. */
		smp_store_release(&extension->domain_key, key);
	}
	raw_spin_unlock(&lock);
	return key;
}

bool vbpf_domain_enter_slow(struct vbpf_extension *extension)
{
	u32 key, generation;
	unsigned long flags;

	local_irq_save(flags);
	/* Pairs with the release in give_key(). */
	key = smp_load_acquire(&extension->domain_key);
	if (!key)
		key = give_key(extension);
	generation = READ_ONCE(vbpf_domain_generations[key]);
	if (key && __this_cpu_read(vbpf_domain_flushed[key]) != generation) {
		vbpf_arch_flush_cpu();
		__this_cpu_write(vbpf_domain_flushed[key], generation);
	}
	local_irq_restore(flags);
	return key;
}

/* The extension will not be called any more, and gives back its key. Any context but NMI. */
void vbpf_domain_drop(struct vbpf_extension *extension)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	if (extension->domain_key) {
		domains[extension->domain_key - VBPF_KEY_DOMAIN].owner = NULL;
		set_keys(extension, 0);
		WRITE_ONCE(extension->domain_key, 0);
	}
	raw_spin_unlock_irqrestore(&lock, flags);
}
