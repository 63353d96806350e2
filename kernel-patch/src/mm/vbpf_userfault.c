// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of registered memory, answered by an extension at once: the
 * place where handle_userfault() would otherwise put the thread to sleep.
 *
 * Pages that are missing are filled and mapped under the fault's own lock.
 * Other answers are those of the descriptor's ioctls: the lock is released,
 * the ioctl's function called, and the fault tried again.
 *
 * Context: the fault's lock (of the VMA, or mmap_lock for reading) is held and
 * no other; may sleep. Faults of one context run side by side.
 */
#include <linux/hugetlb.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/userfaultfd_k.h>

#include "internal.h"

/* A fault on its way: where it is, and who is asked. */
struct visit {
	struct userfaultfd_ctx *ctx;
	struct vbpf_userfault *attached;
	struct vm_fault *vmf;
	struct vbpf_userfault_query query;
	struct vbpf_userfault_answer answer;
	int error;	/* of asking */
};

/* What the extension's page is copied to. A huge one is copied once more, into the pool's. */
static struct folio *new_folio(struct visit *visit, unsigned long page)
{
	struct vm_area_struct *vma = visit->vmf->vma;

	if (is_vm_hugetlb_page(vma))
		return folio_alloc(GFP_HIGHUSER | __GFP_NOWARN, get_order(visit->query.size));
	return vma_alloc_folio(GFP_HIGHUSER_MOVABLE, 0, vma, page, false);
}

static int map_private(struct vm_fault *vmf, unsigned long page, struct folio *folio, uffd_flags_t flags)
{
	int error = mem_cgroup_charge(folio, vmf->vma->vm_mm, GFP_KERNEL);

	if (!error) {
		__folio_mark_uptodate(folio);
		error = mfill_atomic_install_pte(vmf->pmd, vmf->vma, page, &folio->page, true, flags);
	}
	if (error)
		folio_put(folio);
	return error;
}

static int map_shared(struct vm_fault *vmf, unsigned long page, struct folio *folio, uffd_flags_t flags)
{
	return shmem_mfill_atomic_pte(vmf->pmd, vmf->vma, page, 0, flags, &folio);
}

/* The locks are those of a fault in such a mapping. */
static int map_huge(struct vm_fault *vmf, unsigned long page, struct folio *folio, uffd_flags_t flags)
{
	struct vm_area_struct *vma = vmf->vma;
	u32 hash = hugetlb_fault_mutex_hash(vma->vm_file->f_mapping, hugetlb_linear_page_index(vma, page));
	int error = -ENOMEM;
	pte_t *pte;

	mutex_lock(&hugetlb_fault_mutex_table[hash]);
	hugetlb_vma_lock_read(vma);
	pte = huge_pte_alloc(vma->vm_mm, vma, page, vma_kernel_pagesize(vma));
	if (pte && !huge_pte_none_mostly(huge_ptep_get(vma->vm_mm, page, pte)))
		error = -EEXIST;
	else if (pte)
		error = hugetlb_mfill_atomic_pte(pte, vma, page, 0, flags, &folio);
	hugetlb_vma_unlock_read(vma);
	mutex_unlock(&hugetlb_fault_mutex_table[hash]);
	if (error && folio)
		folio_put(folio);
	return error;
}

/*
 * Maps a folio, which is used up. -EEXIST: there is a page; -EAGAIN: the page
 * table went away; -EBUSY: the address space is changing.
 */
static int map(struct visit *visit, unsigned long page, struct folio *folio, bool protect)
{
	uffd_flags_t flags = uffd_flags_set_mode(protect ? MFILL_ATOMIC_WP : 0, MFILL_ATOMIC_COPY);
	struct vm_area_struct *vma = visit->vmf->vma;
	int error;

	down_read(&visit->ctx->map_changing_lock);
	if (atomic_read(&visit->ctx->mmap_changing)) {
		folio_put(folio);
		error = -EBUSY;
	} else if (is_vm_hugetlb_page(vma)) {
		error = map_huge(visit->vmf, page, folio, flags);
	} else if (vma->vm_flags & VM_SHARED) {
		error = map_shared(visit->vmf, page, folio, flags);
	} else {
		error = map_private(visit->vmf, page, folio, flags);
	}
	up_read(&visit->ctx->map_changing_lock);
	if (!error)
		vbpf_userfaultfd_wake(visit->ctx, page, visit->query.size);
	return error;
}

static bool is_page(const struct vbpf_userfault_answer *answer)
{
	return answer->verdict == VBPF_USERFAULT_RESOLVE || answer->verdict == VBPF_USERFAULT_ZERO;
}

/* What a fault has to find, as the functions of the ioctls do. False: it is not one for pages of 4 KiB. */
static bool have_page_table(struct vm_fault *vmf, vm_fault_t *ret)
{
	pmd_t pmd;

	if (pte_alloc(vmf->vma->vm_mm, vmf->pmd)) {
		*ret = VM_FAULT_OOM;
		return false;
	}
	pmd = pmdp_get_lockless(vmf->pmd);
	*ret = VM_FAULT_NOPAGE;
	return pmd_present(pmd) && !pmd_trans_huge(pmd) && !pmd_devmap(pmd);
}

/* Asks about one more page, and maps it. False: that was enough. */
static bool prefetch_one(struct visit *visit, unsigned long page, bool protect)
{
	struct vbpf_userfault_query query = visit->query;
	struct vbpf_userfault_answer answer;
	struct folio *folio = new_folio(visit, page);
	int error;

	if (!folio)
		return false;
	query.address = page;
	query.page = page;
	query.access = VBPF_USERFAULT_PREFETCH;
	if (vbpf_userfault_ask(visit->attached, &query, folio_address(folio), &answer) ||
	    !is_page(&answer)) {
		folio_put(folio);
		return false;
	}
	error = map(visit, page, folio, protect);
	if (!error)
		vbpf_userfault_count(visit->attached, answer.verdict, true);
	return (!error || error == -EEXIST) && !fatal_signal_pending(current);
}

/* Within the mapping, and what its page table covers. */
static void fill_more(struct visit *visit)
{
	struct vm_area_struct *vma = visit->vmf->vma;
	unsigned long first = max(vma->vm_start, visit->query.page & PMD_MASK);
	unsigned long end = min(vma->vm_end, (visit->query.page & PMD_MASK) + PMD_SIZE);
	s64 step = (s64)visit->answer.stride * PAGE_SIZE;
	unsigned long page = visit->query.page;
	u32 i;

	if (!step || is_vm_hugetlb_page(vma))
		return;
	for (i = 0; i < visit->answer.prefetch; i++) {
		/* One step is less than the address space: what wraps is outside. */
		page += step;
		if (page < first || page >= end || !prefetch_one(visit, page, visit->answer.protect))
			return;
		cond_resched();
	}
}

/* True: @ret is to be returned. Uses up @folio, which holds the extension's page, or zeros. */
static bool fill(struct visit *visit, struct folio *folio, vm_fault_t *ret)
{
	int error;

	if (visit->answer.protect && !userfaultfd_wp(visit->vmf->vma)) {
		folio_put(folio);
		return false;
	}
	error = map(visit, visit->query.page, folio, visit->answer.protect);
	switch (error) {
	case 0:
		vbpf_userfault_count(visit->attached, visit->answer.verdict, false);
		fill_more(visit);
		fallthrough;
	case -EEXIST:
	case -EAGAIN:
		*ret = VM_FAULT_NOPAGE;
		return true;
	case -ENOMEM:
		*ret = VM_FAULT_OOM;
		return true;
	case -EFAULT:	/* beyond the end of the file */
		*ret = VM_FAULT_SIGBUS;
		return true;
	default:
		return false;
	}
}

static bool missing(struct visit *visit, vm_fault_t *ret)
{
	struct vm_fault *vmf = visit->vmf;
	struct vm_area_struct *vma = vmf->vma;
	struct folio *folio;

	if (!is_vm_hugetlb_page(vma) && !have_page_table(vmf, ret))
		return true;
	/* What it returns is passed on: it may have released the lock. */
	*ret = vma->vm_flags & VM_SHARED ? 0 : vmf_anon_prepare(vmf);
	if (*ret)
		return true;
	folio = new_folio(visit, visit->query.page);
	if (!folio)
		return false;
	visit->error = vbpf_userfault_ask(visit->attached, &visit->query, folio_address(folio), &visit->answer);
	if (!visit->error && is_page(&visit->answer))
		return fill(visit, folio, ret);
	folio_put(folio);
	return false;
}

/* The ioctl's function for the answer. -EINVAL: it is none to such a fault. */
static int carry_out(const struct visit *visit, u32 verdict)
{
	const struct vbpf_userfault_query *query = &visit->query;
	ssize_t done;

	switch (verdict) {
	case VBPF_USERFAULT_CONTINUE:
		done = mfill_atomic_continue(visit->ctx, query->page, query->size, 0);
		break;
	case VBPF_USERFAULT_POISON:
		done = mfill_atomic_poison(visit->ctx, query->page, query->size, 0);
		break;
	case VBPF_USERFAULT_UNPROTECT:
		done = mwriteprotect_range(visit->ctx, query->page, query->size, false);
		break;
	default:
		return -EINVAL;
	}
	return min(done, 0);
}

static bool fits(const struct visit *visit)
{
	switch (visit->answer.verdict) {
	case VBPF_USERFAULT_CONTINUE:
		return visit->query.access & VBPF_USERFAULT_MINOR;
	case VBPF_USERFAULT_UNPROTECT:
		return visit->query.access & VBPF_USERFAULT_WP;
	case VBPF_USERFAULT_POISON:
		return !(visit->query.access & VBPF_USERFAULT_WP);
	default:
		return false;
	}
}

/* Answers that are ioctls. The lock is released. */
static void by_ioctl(struct visit *visit)
{
	u32 verdict = visit->answer.verdict;
	int error;

	release_fault_lock(visit->vmf);
	error = carry_out(visit, verdict);
	if (!error) {
		vbpf_userfault_count(visit->attached, verdict, false);
		vbpf_userfaultfd_wake(visit->ctx, visit->query.page, visit->query.size);
	} else if (error != -EAGAIN && error != -EEXIST && error != -ENOENT && error != -ENOMEM) {
		/* It would say so again: the next time this page is a fault for the descriptor. */
		vbpf_userfault_refuse(visit->attached, visit->query.page);
	}
}

/* It begins anew, or all slots are taken. The lock is released. */
static void wait_a_little(const struct visit *visit)
{
	release_fault_lock(visit->vmf);
	schedule_timeout_killable(1);
}

static bool answer(struct visit *visit, vm_fault_t *ret)
{
	if (!(visit->query.access & (VBPF_USERFAULT_WP | VBPF_USERFAULT_MINOR))) {
		if (missing(visit, ret))
			return true;
	} else {
		visit->error = vbpf_userfault_ask(visit->attached, &visit->query, NULL, &visit->answer);
	}
	if (visit->error == -EBUSY)
		wait_a_little(visit);
	else if (!visit->error && fits(visit))
		by_ioctl(visit);
	else
		return false;
	*ret = VM_FAULT_RETRY;
	return true;
}

bool vbpf_userfault(struct vm_fault *vmf, unsigned long reason, vm_fault_t *ret)
{
	struct userfaultfd_ctx *ctx = vmf->vma->vm_userfaultfd_ctx.ctx;
	struct visit visit = {
		.ctx = ctx,
		.vmf = vmf,
		.query.address = vmf->real_address,
		.query.size = vma_kernel_pagesize(vmf->vma),
	};
	vm_fault_t result = 0;
	bool done = false;
	int index;

	if (likely(!READ_ONCE(ctx->vbpf)) || atomic_read(&ctx->mmap_changing))
		return false;
	visit.attached = vbpf_userfault_get(ctx, &index);
	if (!visit.attached)
		goto out;
	visit.query.page = vmf->address & ~(visit.query.size - 1);
	if (vmf->flags & FAULT_FLAG_WRITE)
		visit.query.access |= VBPF_USERFAULT_WRITE;
	if (reason & VM_UFFD_WP)
		visit.query.access |= VBPF_USERFAULT_WP;
	if (reason & VM_UFFD_MINOR)
		visit.query.access |= VBPF_USERFAULT_MINOR;
	if (vbpf_userfault_refused(visit.attached, visit.query.page))
		goto out;
	vbpf_userfault_range(visit.attached, vmf->vma, &visit.query);
	done = answer(&visit, &result);
	if (done)
		*ret = result;
	else
		vbpf_userfault_count(visit.attached, VBPF_USERFAULT_PASS, false);
out:
	vbpf_userfault_put(index);
	return done;
}

/* What was there when the fault began is looked at again, as do_anonymous_page() does. */
vm_fault_t vbpf_userfault_missing(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	vm_fault_t ret = 0;
	bool same = false;
	spinlock_t *ptl;	/* the page table's */
	pte_t *pte;

	pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, vmf->address, &ptl);
	if (!pte)
		return 0;
	if (vmf->flags & FAULT_FLAG_ORIG_PTE_VALID)
		same = pte_same(ptep_get(pte), vmf->orig_pte);
	else
		same = pte_none(ptep_get(pte));
	if (same)
		ret = check_stable_address_space(vma->vm_mm);
	else
		update_mmu_tlb(vma, vmf->address, pte);
	pte_unmap_unlock(pte, ptl);
	return same && !ret ? handle_userfault(vmf, VM_UFFD_MISSING) : ret;
}

bool vbpf_userfault_attached(struct vm_area_struct *vma)
{
	const struct userfaultfd_ctx *ctx = vma->vm_userfaultfd_ctx.ctx;

	return ctx && READ_ONCE(ctx->vbpf);
}
