/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page faults that an extension answers in place of a thread that reads the
 * userfaultfd. Three parts: fs/userfaultfd.c calls the first two functions,
 * mm/vbpf_userfault.c does what the extension says, and
 * kernel/vbpf/userfault.c asks it.
 */
#ifndef _LINUX_VBPF_USERFAULT_H
#define _LINUX_VBPF_USERFAULT_H

#include <linux/mm.h>
#include <linux/types.h>

struct file;
struct userfaultfd_ctx;
struct vbpf_userfault;	/* an extension that is attached to a context */
struct vm_fault;

/* As in vbpf/uffd.h: answers, and what an access was. */
enum vbpf_userfault_verdict {
	VBPF_USERFAULT_PASS,
	VBPF_USERFAULT_RESOLVE,
	VBPF_USERFAULT_ZERO,
	VBPF_USERFAULT_CONTINUE,
	VBPF_USERFAULT_UNPROTECT,
	VBPF_USERFAULT_POISON,
};

#define VBPF_USERFAULT_WRITE	1u
#define VBPF_USERFAULT_WP	2u
#define VBPF_USERFAULT_MINOR	4u
#define VBPF_USERFAULT_PREFETCH	8u

/**
 * struct vbpf_userfault_query - a page that an extension is asked about
 * @address: that was touched
 * @page: a multiple of @size
 * @size: of the page, bytes
 * @range_start: of the registered range, as it was first seen
 * @range_size: bytes
 * @access: VBPF_USERFAULT_WRITE and others
 */
struct vbpf_userfault_query {
	unsigned long address, page, size;
	unsigned long range_start, range_size;
	u32 access;
};

/**
 * struct vbpf_userfault_answer - what it said
 * @verdict: anything but an enum vbpf_userfault_verdict is VBPF_USERFAULT_PASS
 * @prefetch: more pages that it wants to be asked about; no more than it may
 * @stride: from each of them to the next, pages
 * @protect: map the page write-protected
 */
struct vbpf_userfault_answer {
	u32 verdict, prefetch;
	s32 stride;
	bool protect;
};

/* fs/userfaultfd.c. NULL: it is no userfaultfd. @size 0: all that nobody has read. */
struct userfaultfd_ctx *vbpf_userfaultfd_ctx(struct file *file);
void vbpf_userfaultfd_wake(struct userfaultfd_ctx *ctx, unsigned long start, unsigned long size);

#ifdef CONFIG_VBPF_USERFAULTFD

/*
 * mm/vbpf_userfault.c: the fault's lock is held. True: the extension's answer
 * has been carried out, and @ret is what to return; with VM_FAULT_RETRY the
 * lock has been released.
 */
bool vbpf_userfault(struct vm_fault *vmf, unsigned long reason, vm_fault_t *ret);

bool vbpf_userfault_attached(struct vm_area_struct *vma);

/*
 * Whether an extension is asked for an anonymous page that is missing, and the
 * fault of that: before a page has been allocated and cleared that nobody
 * needs. mm/memory.c calls them, with its page table there.
 */
vm_fault_t vbpf_userfault_missing(struct vm_fault *vmf);
static inline bool vbpf_userfault_fills(struct vm_area_struct *vma)
{
	return unlikely(vma->vm_flags & VM_UFFD_MISSING) && vbpf_userfault_attached(vma);
}

/* kernel/vbpf/userfault.c: the descriptor is closed. May sleep; no lock is held. */
void vbpf_userfaultfd_release(struct userfaultfd_ctx *ctx);

/*
 * The same, for mm/vbpf_userfault.c. What vbpf_userfault_get() returns is
 * there until vbpf_userfault_put(), and so is the context; NULL: nothing is
 * attached.
 */
struct vbpf_userfault *vbpf_userfault_get(struct userfaultfd_ctx *ctx, int *index);
void vbpf_userfault_put(int index);
void vbpf_userfault_range(struct vbpf_userfault *attached, struct vm_area_struct *vma,
			  struct vbpf_userfault_query *query);
int vbpf_userfault_ask(struct vbpf_userfault *attached, const struct vbpf_userfault_query *query, void *page,
		       struct vbpf_userfault_answer *answer);
void vbpf_userfault_count(struct vbpf_userfault *attached, u32 verdict, bool prefetched);
void vbpf_userfault_refuse(struct vbpf_userfault *attached, unsigned long page);
bool vbpf_userfault_refused(struct vbpf_userfault *attached, unsigned long page);

#else

static inline bool vbpf_userfault(struct vm_fault *vmf, unsigned long reason, vm_fault_t *ret)
{
	return false;
}

static inline bool vbpf_userfault_fills(struct vm_area_struct *vma)
{
	return false;
}

static inline vm_fault_t vbpf_userfault_missing(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static inline void vbpf_userfaultfd_release(struct userfaultfd_ctx *ctx)
{
}

#endif /* CONFIG_VBPF_USERFAULTFD */
#endif /* _LINUX_VBPF_USERFAULT_H */
