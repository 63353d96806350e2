// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of an instance: a region of kernel address space whose pages
 * carry the extension's key. All are charged to the loader's memcg.
 */
#include <linux/gfp.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/tlbflush.h>

#include "vbpf.h"

#define KEY_MASK	((pteval_t)0xf << _PAGE_BIT_PKEY_BIT0)

static int set_one_pte(pte_t *pte, unsigned long address, void *data)
{
	set_pte_at(&init_mm, address, pte, *(pte_t *)data);
	return 0;
}

static int make_page_table(pte_t *pte, unsigned long address, void *data)
{
	return 0;
}

static struct page *new_page(struct vbpf_instance *instance, gfp_t gfp)
{
	struct mem_cgroup *outer = set_active_memcg(instance->extension->memcg);
	struct page *page = alloc_page(gfp | __GFP_ZERO | __GFP_ACCOUNT | __GFP_NOWARN);

	set_active_memcg(outer);
	return page;
}

static void add_page(struct vbpf_instance *instance, struct page *page, struct list_head *list)
{
	set_page_private(page, 0);
	list_add(&page->lru, list);
	atomic64_add(PAGE_SIZE, &instance->extension->memory);
}

/* With the page of its first contents. */
static void free_page_of(struct vbpf_instance *instance, struct page *page)
{
	struct page *first = (struct page *)page_private(page);

	if (first) {
		set_page_private(page, 0);
		__free_page(first);
		atomic64_sub(PAGE_SIZE, &instance->extension->memory);
	}
	__free_page(page);
	atomic64_sub(PAGE_SIZE, &instance->extension->memory);
}

static void free_pages_of(struct vbpf_instance *instance, struct list_head *list)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, list, lru)
		free_page_of(instance, page);
	INIT_LIST_HEAD(list);
}

/*
 * Maps a new page of zeros; process context. Its contents are written through
 * its kernel address. It has no key yet: the extension has not run.
 */
static struct page *map_page(struct vbpf_instance *instance, u64 offset, pgprot_t prot, struct list_head *list)
{
	struct page *page = new_page(instance, GFP_KERNEL);
	pte_t pte;

	if (!page)
		return NULL;
	pte = mk_pte(page, prot);
	if (apply_to_page_range(&init_mm, instance->base + offset, PAGE_SIZE, set_one_pte, &pte)) {
		__free_page(page);
		return NULL;
	}
	add_page(instance, page, list);
	return page;
}

/* Keeps what the page holds now for restarts. */
static int save_page(struct vbpf_instance *instance, struct page *page)
{
	struct page *first = new_page(instance, GFP_KERNEL);

	if (!first)
		return -ENOMEM;
	copy_page(page_address(first), page_address(page));
	set_page_private(page, (unsigned long)first);
	atomic64_add(PAGE_SIZE, &instance->extension->memory);
	return 0;
}

static int map_zeros(struct vbpf_instance *instance, u64 offset, u64 size, pgprot_t prot)
{
	u64 end = offset + size;

	for (; offset < end; offset += PAGE_SIZE) {
		if (!map_page(instance, offset, prot, &instance->pages))
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* @size is whole pages; @bytes_size may be less. @data: it can be written, and a restart writes it anew. */
static int map_from_user(struct vbpf_instance *instance, u64 offset, u64 size, const void __user *bytes,
			 u64 bytes_size, pgprot_t prot, bool data)
{
	bool save = data && instance->extension->on_fault == VBPF_ON_FAULT_RESTART;
	u64 at;

	for (at = 0; at < size; at += PAGE_SIZE) {
		struct page *page = map_page(instance, offset + at, prot, data ? &instance->data : &instance->pages);
		u64 left = at < bytes_size ? bytes_size - at : 0;

		if (!page)
			return -ENOMEM;
		if (left && copy_from_user(page_address(page), bytes + at, min_t(u64, left, PAGE_SIZE)))
			return -EFAULT;
		if (left && save && save_page(instance, page))
			return -ENOMEM;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int map_segment(struct vbpf_instance *instance, const struct vbpf_segment *segment)
{
	static const u64 prots[] = { __PAGE_KERNEL_ROX, __PAGE_KERNEL_RO, __PAGE_KERNEL };
	u64 end = VBPF_REGION_IMAGE + VBPF_REGION_IMAGE_SIZE;
	pgprot_t prot;

	if (segment->reserved || segment->kind >= ARRAY_SIZE(prots) || !PAGE_ALIGNED(segment->offset) ||
	    segment->offset < VBPF_REGION_IMAGE || segment->offset >= end ||
	    segment->size > end - segment->offset || segment->bytes_size > segment->size)
		return -EINVAL;
	prot = __pgprot(prots[segment->kind] & __default_kernel_pte_mask);
	return map_from_user(instance, segment->offset, PAGE_ALIGN(segment->size), u64_to_user_ptr(segment->bytes),
			     segment->bytes_size, prot, segment->kind == VBPF_SEGMENT_DATA);
}

/*
 * Called with the extension's mutex, once. Segments may not overlap: each is
 * further on than the one before. What a failure leaves behind goes with the
 * instance.
 */
int vbpf_instance_map_image(struct vbpf_instance *instance, const struct vbpf_segment *segments, u32 count,
			    const void __user *target_map, u64 target_map_size)
{
	u64 next = 0, text = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		int error;

		if (segments[i].offset < next)
			return -EINVAL;
		if (segments[i].kind == VBPF_SEGMENT_TEXT && (text || segments[i].offset != VBPF_REGION_IMAGE))
			return -EINVAL;
		error = map_segment(instance, &segments[i]);
		if (error)
			return error;
		next = segments[i].offset + PAGE_ALIGN(segments[i].size);
		if (segments[i].kind == VBPF_SEGMENT_TEXT)
			text = segments[i].size;
	}
	if (!text || target_map_size != text)
		return -EINVAL;
	return map_from_user(instance, VBPF_REGION_TARGETS, PAGE_ALIGN(text), target_map, text, PAGE_KERNEL_RO,
			     false);
}

static u32 window_count(const struct vbpf_instance *instance)
{
	return instance->exclusive ? 1 : VBPF_SLOTS;
}

struct source_pages {
	struct page **next;
};

static int set_source_pte(pte_t *pte, unsigned long address, void *data)
{
	struct source_pages *pages = data;

	set_pte_at(&init_mm, address, pte, mk_pte(*pages->next++, PAGE_KERNEL_RO));
	return 0;
}

/* Pages of somebody else's, to be read. Process context; the extension has not run, and has no key yet. */
int vbpf_instance_map_source(struct vbpf_instance *instance, struct page **pages, u64 count)
{
	struct source_pages next = { pages };

	if (!count)
		return 0;
	return apply_to_page_range(&init_mm, instance->base + VBPF_REGION_SOURCE, count * PAGE_SIZE, set_source_pte,
				   &next);
}

/*
 * All but the image: thunks, windows with their buffers for larger pages, and
 * page tables for the heap, so that it can grow in any context.
 */
static int map_fixed(struct vbpf_instance *instance)
{
	struct page *thunks = map_page(instance, VBPF_REGION_THUNKS, PAGE_KERNEL_ROX, &instance->pages);
	u64 heap_size = instance->extension->heap_size, fill_size = instance->extension->fill_size;
	u32 i;

	if (!thunks)
		return -ENOMEM;
	vbpf_thunks_copy(page_address(thunks), instance->base);
	for (i = 0; i < window_count(instance); i++) {
		if (map_zeros(instance, VBPF_REGION_WINDOWS + i * VBPF_WINDOW_STRIDE, VBPF_WINDOW_SIZE, PAGE_KERNEL))
			return -ENOMEM;
		if (fill_size > PAGE_SIZE &&
		    map_zeros(instance, VBPF_REGION_BUFFERS + i * VBPF_BUFFER_STRIDE, fill_size, PAGE_KERNEL))
			return -ENOMEM;
	}
	if (!heap_size)
		return 0;
	return apply_to_page_range(&init_mm, instance->base + VBPF_REGION_HEAP, heap_size, make_page_table, NULL);
}

int vbpf_instance_init(struct vbpf_instance *instance, struct vbpf_extension *extension)
{
	instance->extension = extension;
	instance->exclusive = extension->concurrency != VBPF_CONCURRENCY_SHARED;
	INIT_LIST_HEAD(&instance->pages);
	INIT_LIST_HEAD(&instance->data);
	INIT_LIST_HEAD(&instance->heap);
	raw_spin_lock_init(&instance->lock);
	/* Closed, until its constructors have run. */
	atomic_set(&instance->user, instance->exclusive ? VBPF_INSTANCE_CLOSED : -VBPF_INSTANCE_BIAS);
	/* Twice the size, for the alignment; what is left is guard. */
	instance->area = get_vm_area(2 * VBPF_REGION_SIZE, VM_SPARSE);
	if (!instance->area)
		return -ENOMEM;
	instance->base = ALIGN((unsigned long)instance->area->addr, VBPF_REGION_SIZE);
	instance->window = instance->base + VBPF_REGION_WINDOWS;
	return map_fixed(instance);
}

/* No run may be inside, nor begin. */
void vbpf_instance_free(struct vbpf_instance *instance)
{
	if (!instance->area)
		return;
	/* Takes the page table entries away and flushes every TLB. */
	free_vm_area(instance->area);
	free_pages_of(instance, &instance->pages);
	free_pages_of(instance, &instance->data);
	free_pages_of(instance, &instance->heap);
}

static int clear_one_pte(pte_t *pte, unsigned long address, void *data)
{
	pte_clear(&init_mm, address, pte);
	return 0;
}

/*
 * As the image was loaded: data written anew, no heap. Process context; the
 * instance is closed and nobody is inside.
 */
void vbpf_instance_reset(struct vbpf_instance *instance)
{
	unsigned long heap = instance->base + VBPF_REGION_HEAP, heap_size = instance->extension->heap_size;
	struct page *page;

	if (heap_size) {
		apply_to_existing_page_range(&init_mm, heap, heap_size, clear_one_pte, NULL);
		flush_tlb_kernel_range(heap, heap + heap_size);
	}
	free_pages_of(instance, &instance->heap);
	list_for_each_entry(page, &instance->data, lru) {
		if (page_private(page))
			copy_page(page_address(page), page_address((struct page *)page_private(page)));
		else
			clear_page(page_address(page));
		cond_resched();
	}
}

static int set_one_key(pte_t *pte, unsigned long address, void *data)
{
	pteval_t key = (pteval_t)*(u32 *)data << _PAGE_BIT_PKEY_BIT0;

	set_pte_at(&init_mm, address, pte, __pte((pte_val(ptep_get(pte)) & ~KEY_MASK) | key));
	return 0;
}

/* Of all its pages. Nobody is inside. TLBs are the caller's to think of. Any context. */
void vbpf_instance_set_key(struct vbpf_instance *instance, u32 key)
{
	if (instance->area)
		apply_to_existing_page_range(&init_mm, instance->base, VBPF_REGION_SIZE, set_one_key, &key);
}

struct heap_page {
	struct page *page;
	pte_t pte;
};

static int set_if_none(pte_t *pte, unsigned long address, void *data)
{
	struct heap_page *heap_page = data;

	if (!pte_none(ptep_get(pte)))
		return -EEXIST;
	set_pte_at(&init_mm, address, pte, heap_page->pte);
	return 0;
}

/*
 * A page of the heap was touched that was not there: now it is, unless there is
 * no memory, or it is beyond the heap. Interrupts off. Another CPU may have
 * been first.
 */
bool vbpf_instance_grow_heap(struct vbpf_instance *instance, unsigned long address)
{
	struct vbpf_extension *extension = instance->extension;
	unsigned long heap = instance->base + VBPF_REGION_HEAP;
	struct heap_page heap_page;
	int error;

	if (address < heap || address - heap >= extension->heap_size)
		return false;
	heap_page.page = new_page(instance, GFP_NOWAIT);
	if (!heap_page.page)
		return false;
	heap_page.pte = mk_pte(heap_page.page, vbpf_prot(PAGE_KERNEL, extension->domain_key));
	raw_spin_lock(&instance->lock);
	/* The page table is there since map_fixed(): nothing is allocated. */
	error = apply_to_page_range(&init_mm, address & PAGE_MASK, PAGE_SIZE, set_if_none, &heap_page);
	if (!error)
		add_page(instance, heap_page.page, &instance->heap);
	raw_spin_unlock(&instance->lock);
	if (error)
		__free_page(heap_page.page);
	return !error || error == -EEXIST;
}
