// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions that answer page faults: which userfaultfd has which, and the
 * question. mm/vbpf_userfault.c does what they answer.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/userfaultfd_k.h>

#include "call.h"

/* As in fs/userfaultfd.c: the handshake has been made. */
#define FEATURE_INITIALIZED	BIT(31)

/**
 * struct vbpf_userfault - an extension attached to a context
 * @list: of the extension's
 * @ranges: as they were first seen: by address, the number of its first page
 * @refused: a page whose next fault is for the descriptor; all ones: none
 *
 * Made and freed under the lock below; readers are in the SRCU section of
 * vbpf_userfault_get(). The context outlives it.
 */
struct vbpf_userfault {
	struct userfaultfd_ctx *ctx;
	struct vbpf_extension *extension;
	struct list_head list;
	struct maple_tree ranges;
	u32 entry, prefetch;
	unsigned long refused;
};

#define NO_PAGE	ULONG_MAX

/* What a program's handler gets to read a fault in. */
#define HANDLER_TIME_MS	20

/* Of ctx->vbpf and extension->attached. May be taken with an extension's mutex held. */
static DEFINE_MUTEX(lock);
DEFINE_STATIC_SRCU(visits);

struct vbpf_userfault *vbpf_userfault_get(struct userfaultfd_ctx *ctx, int *index)
{
	*index = srcu_read_lock(&visits);
	return srcu_dereference(ctx->vbpf, &visits);
}

void vbpf_userfault_put(int index)
{
	srcu_read_unlock(&visits, index);
}

static int remember(struct vbpf_userfault *attached, unsigned long start, unsigned long end)
{
	return mtree_store_range(&attached->ranges, start, end - 1, xa_mk_value(start >> PAGE_SHIFT),
				 GFP_KERNEL_ACCOUNT);
}

/*
 * A range stays what it was when it was first seen, though mappings are split.
 * One that was not seen, or is larger now, is as its mapping is.
 */
void vbpf_userfault_range(struct vbpf_userfault *attached, struct vm_area_struct *vma,
			  struct vbpf_userfault_query *query)
{
	MA_STATE(state, &attached->ranges, query->address, query->address);
	unsigned long start = 0, end = 0;
	void *entry;

	rcu_read_lock();
	entry = mas_walk(&state);
	if (entry) {
		start = xa_to_value(entry) << PAGE_SHIFT;
		end = state.last + 1;
	}
	rcu_read_unlock();
	if (!entry || vma->vm_start < start || vma->vm_end > end) {
		start = vma->vm_start;
		end = vma->vm_end;
		/* Without memory for that it is seen for the first time once more. */
		remember(attached, start, end);
	}
	query->range_start = start;
	query->range_size = end - start;
}

/* Mappings side by side are one range. */
static int remember_all(struct vbpf_userfault *attached)
{
	struct mm_struct *mm = attached->ctx->mm;
	unsigned long start = 0, end = 0;
	struct vm_area_struct *vma;
	struct vma_iterator vmi;
	int error = 0;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	mmap_read_lock(mm);
	vma_iter_init(&vmi, mm, 0);
	for_each_vma(vmi, vma) {
		if (vma->vm_userfaultfd_ctx.ctx != attached->ctx)
			continue;
		if (vma->vm_start != end) {
			if (end && !error)
				error = remember(attached, start, end);
			start = vma->vm_start;
		}
		end = vma->vm_end;
	}
	if (end && !error)
		error = remember(attached, start, end);
	mmap_read_unlock(mm);
	mmput(mm);
	return error;
}

void vbpf_userfault_count(struct vbpf_userfault *attached, u32 verdict, bool prefetched)
{
	struct vbpf_counters __percpu *counters = attached->extension->counters;

	if (prefetched)
		this_cpu_inc(counters->prefetched);
	else
		this_cpu_inc(counters->userfaults[verdict]);
}

void vbpf_userfault_refuse(struct vbpf_userfault *attached, unsigned long page)
{
	WRITE_ONCE(attached->refused, page);
}

/* True once for each. */
bool vbpf_userfault_refused(struct vbpf_userfault *attached, unsigned long page)
{
	return READ_ONCE(attached->refused) == page && cmpxchg(&attached->refused, page, NO_PAGE) == page;
}

/* Where a page of that size is filled; 0: there is no room for one. */
static u64 buffer_of(const struct vbpf_call *call, unsigned long size)
{
	if (size == PAGE_SIZE)
		return call->window + PAGE_SIZE;
	if (size > call->extension->fill_size)
		return 0;
	return call->instance->base + VBPF_REGION_BUFFERS +
	       (call->instance->exclusive ? 0 : call->slot->index * VBPF_BUFFER_STRIDE);
}

static void fill_context(const struct vbpf_call *call, const struct vbpf_userfault_query *query, u64 buffer)
{
	*(struct vbpf_uffd_context *)call->window = (struct vbpf_uffd_context){
		.address = query->address,
		.page = query->page,
		.range_start = query->range_start,
		.range_size = query->range_size,
		.page_size = query->size,
		.access = query->access,
		.thread = query->access & VBPF_USERFAULT_PREFETCH ? 0 : task_pid_vnr(current),
		.buffer = buffer,
		.source = call->extension->source ? call->instance->base + VBPF_REGION_SOURCE : 0,
		.source_size = call->extension->source_size,
		.stride = 1,
	};
}

/* What it wrote is read once, and is its word. */
static void take_answer(const struct vbpf_call *call, u64 value, u32 most, struct vbpf_userfault_answer *answer)
{
	const struct vbpf_uffd_context *context = (const struct vbpf_uffd_context *)call->window;

	answer->verdict = (u32)value;
	if (answer->verdict >= VBPF_USERFAULT_VERDICTS)
		answer->verdict = VBPF_USERFAULT_PASS;
	answer->prefetch = min(READ_ONCE(context->prefetch), most);
	answer->stride = READ_ONCE(context->stride);
	answer->protect = READ_ONCE(context->protect);
}

static void take_page(u64 buffer, unsigned long size, u32 verdict, void *page)
{
	if (verdict == VBPF_USERFAULT_ZERO)
		memset(page, 0, size);
	else if (verdict == VBPF_USERFAULT_RESOLVE && size == PAGE_SIZE)
		copy_page(page, (void *)buffer);
	else if (verdict == VBPF_USERFAULT_RESOLVE)
		memcpy(page, (void *)buffer, size);
}

/*
 * Process context. @page: query->size bytes for what is to be mapped, written
 * if the answer is so; NULL: no page is missing. -EBUSY: not now; any other
 * error: it has no answer.
 */
int vbpf_userfault_ask(struct vbpf_userfault *attached, const struct vbpf_userfault_query *query, void *page,
		       struct vbpf_userfault_answer *answer)
{
	struct vbpf_extension *extension = attached->extension;
	struct vbpf_call call;
	int error = -ENOENT;
	u64 value, buffer;

	rcu_read_lock();
	preempt_disable();
	if (likely(vbpf_is_running(extension, attached->entry)))
		error = vbpf_call_begin(&call, extension, vbpf_call_instance(extension));
	if (error)
		goto out;
	buffer = buffer_of(&call, query->size);
	if (likely(buffer || !page)) {
		fill_context(&call, query, buffer);
		error = vbpf_call_run(&call, call.instance->base + extension->entries[attached->entry], attached->entry,
				      extension->budget, call.window, 0, &value, NULL);
	} else {
		error = -E2BIG;
	}
	if (!error) {
		take_answer(&call, value, attached->prefetch, answer);
		if (page)
			take_page(buffer, query->size, answer->verdict, page);
	}
	vbpf_call_end(&call);
out:
	preempt_enable();
	rcu_read_unlock();
	return error;
}

static void free_attached(struct vbpf_userfault *attached)
{
	mtree_destroy(&attached->ranges);
	kfree(attached);
}

/* With the lock. Nobody visits it when this returns; who is woken then finds it gone. */
static void detach(struct vbpf_userfault *attached)
{
	rcu_assign_pointer(attached->ctx->vbpf, NULL);
	list_del(&attached->list);
	synchronize_srcu(&visits);
	free_attached(attached);
}

void vbpf_userfaultfd_release(struct userfaultfd_ctx *ctx)
{
	struct vbpf_userfault *attached;

	/* Attaching needs a descriptor, and this was the last. */
	if (likely(!READ_ONCE(ctx->vbpf)))
		return;
	mutex_lock(&lock);
	attached = rcu_dereference_protected(ctx->vbpf, lockdep_is_held(&lock));
	if (attached)
		detach(attached);
	mutex_unlock(&lock);
}

/* Process context; not with the extension's mutex, which a visit may wait for. */
void vbpf_userfault_detach_all(struct vbpf_extension *extension)
{
	struct vbpf_userfault *attached, *next;

	mutex_lock(&lock);
	list_for_each_entry_safe(attached, next, &extension->attached, list)
		detach(attached);
	mutex_unlock(&lock);
}

/*
 * After a crash: faults that the program's handler has not read by then are
 * asked about again. Process context, with no locks.
 */
void vbpf_userfault_restarted(struct vbpf_extension *extension)
{
	struct vbpf_userfault *attached;

	if (list_empty_careful(&extension->attached))
		return;
	msleep(HANDLER_TIME_MS);
	mutex_lock(&lock);
	list_for_each_entry(attached, &extension->attached, list)
		vbpf_userfaultfd_wake(attached->ctx, 0, 0);
	mutex_unlock(&lock);
}

static struct vbpf_userfault *make_attached(struct vbpf_extension *extension, struct userfaultfd_ctx *ctx,
					    const struct vbpf_attach *request)
{
	struct vbpf_userfault *attached = kzalloc(sizeof(*attached), GFP_KERNEL_ACCOUNT);
	int error;

	if (!attached)
		return ERR_PTR(-ENOMEM);
	attached->ctx = ctx;
	attached->extension = extension;
	attached->entry = request->entry;
	attached->prefetch = request->prefetch;
	attached->refused = NO_PAGE;
	mt_init_flags(&attached->ranges, MT_FLAGS_USE_RCU);
	error = remember_all(attached);
	if (error) {
		free_attached(attached);
		return ERR_PTR(error);
	}
	return attached;
}

static int attach(struct vbpf_extension *extension, struct userfaultfd_ctx *ctx, const struct vbpf_attach *request)
{
	struct vbpf_userfault *attached;

	if (!(ctx->features & FEATURE_INITIALIZED) || ctx->features & UFFD_FEATURE_SIGBUS)
		return -EINVAL;
	attached = make_attached(extension, ctx, request);
	if (IS_ERR(attached))
		return PTR_ERR(attached);
	mutex_lock(&lock);
	if (ctx->vbpf || READ_ONCE(extension->state) != VBPF_STATE_RUNNING) {
		mutex_unlock(&lock);
		free_attached(attached);
		return -EBUSY;
	}
	list_add(&attached->list, &extension->attached);
	extension->last_attached = *request;
	rcu_assign_pointer(ctx->vbpf, attached);
	mutex_unlock(&lock);
	/* Who waits already is asked about, too. */
	vbpf_userfaultfd_wake(ctx, 0, 0);
	return 0;
}

int vbpf_userfault_attach(struct vbpf_extension *extension, const struct vbpf_attach *request)
{
	struct userfaultfd_ctx *ctx;
	struct fd file;
	int error;

	if (READ_ONCE(extension->state) != VBPF_STATE_RUNNING || request->pid == 0)
		return -EINVAL;
	if (request->entry >= extension->entry_count)
		return -ENOENT;
	file = fdget(request->descriptor);
	ctx = fd_file(file) ? vbpf_userfaultfd_ctx(fd_file(file)) : NULL;
	error = ctx ? attach(extension, ctx, request) : -EBADF;
	fdput(file);
	return error;
}

void vbpf_userfault_info(struct vbpf_extension *extension, struct vbpf_info *info)
{
	mutex_lock(&lock);
	info->userfaults = list_count_nodes(&extension->attached);
	info->userfault_pid = extension->last_attached.pid;
	info->userfault_entry = extension->last_attached.entry;
	info->userfault_prefetch = extension->last_attached.prefetch;
	mutex_unlock(&lock);
}
