// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slots: stacks, event stacks and resume frames, each set under a key of its
 * own. There are as many as keys for them, however many CPUs there are.
 */
#include <linux/bitops.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/tlbflush.h>

#include "vbpf.h"

#define GUARD		0x10000UL
#define STACK_STRIDE	(VBPF_STACK_SIZE + GUARD)
#define PAGES_STRIDE	(VBPF_PAGES * PAGE_SIZE)

struct vbpf_slot vbpf_slots[VBPF_SLOTS] __ro_after_init;
u32 vbpf_slot_users[VBPF_SLOTS];
unsigned long vbpf_slots_busy;
DEFINE_PER_CPU(u32, vbpf_slot_first);
static unsigned long stacks __ro_after_init;

static_assert(VBPF_SLOTS <= BITS_PER_LONG);

struct mapping {
	struct page *page;
	pgprot_t prot;
};

static int __init set_one_pte(pte_t *pte, unsigned long address, void *data)
{
	struct mapping *mapping = data;

	set_pte_at(&init_mm, address, pte, mk_pte(mapping->page, mapping->prot));
	return 0;
}

static int __init map_page(unsigned long address, struct page *page, pgprot_t prot, u32 key)
{
	struct mapping mapping = { page, vbpf_prot(prot, key) };

	return apply_to_page_range(&init_mm, address, PAGE_SIZE, set_one_pte, &mapping);
}

static void *__init map_new_page(unsigned long address, pgprot_t prot, u32 key)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page || map_page(address, page, prot, key))
		return NULL;
	return page_address(page);
}

static int __init make_slot(struct vbpf_slot *slot, u32 index, unsigned long stack, unsigned long pages)
{
	unsigned long at;
	void *nmi;

	slot->index = index;
	slot->key = VBPF_KEY_SLOT + index;
	slot->keys_open = vbpf_keys_open(slot->key);
	for (at = stack; at < stack + VBPF_STACK_SIZE; at += PAGE_SIZE) {
		if (!map_new_page(at, PAGE_KERNEL, slot->key))
			return -ENOMEM;
	}
	slot->stack_top = at;
	slot->ist_top = pages + VBPF_PAGE_EVENT * PAGE_SIZE + PAGE_SIZE;
	slot->nmi_top = pages + VBPF_PAGE_NMI * PAGE_SIZE + VBPF_LATCH;
	slot->mc_top = pages + VBPF_PAGE_MC * PAGE_SIZE + PAGE_SIZE;
	slot->frame_alias = pages + VBPF_PAGE_ALIAS * PAGE_SIZE;
	nmi = map_new_page(pages + VBPF_PAGE_NMI * PAGE_SIZE, PAGE_KERNEL, slot->key);
	if (!nmi || !map_new_page(pages + VBPF_PAGE_EVENT * PAGE_SIZE, PAGE_KERNEL, slot->key) ||
	    !map_new_page(pages + VBPF_PAGE_MC * PAGE_SIZE, PAGE_KERNEL, slot->key))
		return -ENOMEM;
	slot->latch = nmi + VBPF_LATCH;
	slot->frame = map_new_page(slot->frame_alias, PAGE_KERNEL_RO, slot->key);
	return slot->frame ? 0 : -ENOMEM;
}

/* At boot: what was allocated is not given back when it fails. */
int __init vbpf_slots_init(void)
{
	struct vm_struct *area;
	unsigned long pages;
	unsigned int cpu;
	u32 i;

	area = get_vm_area(GUARD + VBPF_SLOTS * (STACK_STRIDE + PAGES_STRIDE), VM_SPARSE);
	if (!area)
		return -ENOMEM;
	stacks = (unsigned long)area->addr + GUARD;
	pages = stacks + VBPF_SLOTS * STACK_STRIDE;
	for (i = 0; i < VBPF_SLOTS; i++) {
		int error = make_slot(&vbpf_slots[i], i, stacks + i * STACK_STRIDE, pages + i * PAGES_STRIDE);

		if (error)
			return error;
	}
	for_each_possible_cpu(cpu)
		per_cpu(vbpf_slot_first, cpu) = cpu % VBPF_SLOTS;
	return 0;
}

/* A stack that another extension has left is cleared: what it was told is not for this one. */
void vbpf_slot_clear(u32 index, u32 user)
{
	memset((void *)(vbpf_slots[index].stack_top - VBPF_STACK_SIZE), 0, VBPF_STACK_SIZE);
	vbpf_slot_users[index] = user;
}

/* Any that is free, or that this CPU has kept: rather not one that it has prepared. */
struct vbpf_slot *vbpf_slot_find(u32 user)
{
	struct vbpf_slot *slot = vbpf_run_spare_slot(false);
	u32 index = slot ? slot->index : __this_cpu_read(vbpf_slot_first), tries;

	for (tries = 1; !slot; tries++) {
		if (tries == 10000)
			return NULL;
		index = (index + 1) % VBPF_SLOTS;
		if (!test_and_set_bit_lock(index, &vbpf_slots_busy)) {
			slot = &vbpf_slots[index];
		} else if (tries >= VBPF_SLOTS) {
			slot = vbpf_run_spare_slot(true);
			cpu_relax();
		}
	}
	if (vbpf_slot_users[slot->index] != user)
		vbpf_slot_clear(slot->index, user);
	return slot;
}

bool vbpf_slot_owns(const struct vbpf_slot *slot, unsigned long address, unsigned long size)
{
	return size <= VBPF_STACK_SIZE && address >= slot->stack_top - VBPF_STACK_SIZE &&
	       address <= slot->stack_top - size;
}

/* In some slot's stack, or the guard around it. */
bool vbpf_in_stacks(unsigned long address)
{
	return address - (stacks - GUARD) < GUARD + VBPF_SLOTS * STACK_STRIDE;
}

/* All stacks, with the guards between them. */
void vbpf_stacks_range(unsigned long *start, unsigned long *size)
{
	*start = stacks;
	*size = VBPF_SLOTS * STACK_STRIDE;
}
