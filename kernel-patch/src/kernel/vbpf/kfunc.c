// SPDX-License-Identifier: GPL-2.0-only
/* What eBPF programs call. */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <linux/init.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <net/xdp.h>

#include "seat.h"

static __always_inline void fill_context(unsigned long window, const struct xdp_buff *xdp, u64 data, u32 size)
{
	struct vbpf_xdp_context *context = (struct vbpf_xdp_context *)window;
	const struct xdp_rxq_info *rxq = xdp->rxq;

	context->data = data;
	context->data_end = data + size;
	context->data_meta = data;
	context->ingress_ifindex = rxq->dev->ifindex;
	context->rx_queue_index = rxq->queue_index;
	context->egress_ifindex = 0;
	context->reserved = 0;
}

static u32 metadata_size(const struct xdp_buff *xdp)
{
	return xdp_data_meta_unsupported(xdp) ? 0 : xdp->data - xdp->data_meta;
}

static __always_inline u32 linear_size(const struct xdp_buff *xdp)
{
	return xdp->data_end - xdp->data;
}

/* The packet begins or ends elsewhere now. */
static noinline bool take_moved_packet(struct xdp_buff *xdp, unsigned long window, u64 data, u64 data_end, u32 copied)
{
	u64 before = vbpf_window_packet(window), start = window + PAGE_SIZE, end = start + VBPF_WINDOW_DATA;
	void *new_data = xdp->data + (s64)(data - before);
	void *new_end = xdp->data_end + (s64)(data_end - (before + copied));
	u32 metadata = metadata_size(xdp);

	if (data < start || data > end || data_end < data || data_end > end)
		return false;
	if (copied != linear_size(xdp) && data_end != before + copied)
		return false;
	if (new_data < xdp->data_hard_start + sizeof(struct xdp_frame) + metadata || new_end > xdp_data_hard_end(xdp) ||
	    new_end < new_data + ETH_HLEN)
		return false;
	if (xdp_buff_has_frags(xdp) && new_end != xdp->data_end)
		return false;
	if (metadata)
		memmove(new_data - metadata, xdp->data_meta, metadata);
	memcpy(new_data, (void *)data, data_end - data);
	if (metadata)
		xdp->data_meta = new_data - metadata;
	else if (!xdp_data_meta_unsupported(xdp))
		xdp->data_meta = new_data;
	xdp->data = new_data;
	xdp->data_end = new_end;
	return true;
}

/* False: it has no room in a window. A cache line is a usual size of what is looked at. */
static __always_inline bool copy_packet(void *to, const void *from, u32 size)
{
	if (likely(size == 64)) {
		__builtin_memcpy(to, from, 64);
		return true;
	}
	if (unlikely(size > VBPF_PACKET_MAX))
		return false;
	memcpy(to, from, size);
	return true;
}

/*
 * Takes over what the extension made of the packet: its context is read once,
 * and is its word. With a part of the packet copied, its end stays.
 */
static __always_inline bool take_packet(struct xdp_buff *xdp, unsigned long window, u32 copy_size)
{
	const struct vbpf_xdp_context *context = (void *)window;
	u64 before = vbpf_window_packet(window), data = READ_ONCE(context->data);
	u64 data_end = READ_ONCE(context->data_end);
	u32 copied = min(linear_size(xdp), copy_size);

	if (unlikely(data != before || data_end != before + copied))
		return take_moved_packet(xdp, window, data, data_end, copied);
	return copy_packet(xdp->data, (void *)before, copied);
}

/* XDP_REDIRECT goes to the device that the context names, as bpf_redirect() would send it. */
static void set_redirect(unsigned long window)
{
	struct bpf_redirect_info *info = bpf_net_ctx_get_ri();

	info->flags = 0;
	info->tgt_index = READ_ONCE(((struct vbpf_xdp_context *)window)->egress_ifindex);
	info->map_id = INT_MAX;
	info->map_type = BPF_MAP_TYPE_UNSPEC;
}

static u32 verdict_of_fault(const struct vbpf_extension *extension)
{
	return extension->on_fault == VBPF_ON_FAULT_PASS ? XDP_PASS : XDP_ABORTED;
}

/* What seldom follows a verdict. Returns the one that counts. */
static noinline u32 heed_verdict(u32 verdict, unsigned long window)
{
	if (verdict == XDP_REDIRECT)
		set_redirect(window);
	return verdict <= XDP_REDIRECT ? verdict : XDP_ABORTED;
}

/* @extension runs. */
static u32 run_without_seat(struct xdp_buff *xdp, struct vbpf_extension *extension, u32 entry)
{
	u32 size = linear_size(xdp), copied = min(size, extension->copy_size), verdict = XDP_ABORTED;
	struct vbpf_call call __uninitialized;
	u64 value __uninitialized, data;
	bool returned = true;

	if (unlikely(vbpf_call_begin(&call, extension, vbpf_call_instance(extension))))
		return XDP_ABORTED;
	data = vbpf_window_packet(call.window);
	if (likely(copy_packet((void *)data, xdp->data, copied))) {
		fill_context(call.window, xdp, data, copied);
		if (unlikely(vbpf_call_run(&call, call.instance->base + extension->entries[entry], entry,
					   extension->budget, call.window, 0, &value, NULL))) {
			verdict = verdict_of_fault(extension);
			returned = false;
		} else if (extension->flags & VBPF_READ_ONLY ||
			   take_packet(xdp, call.window, extension->copy_size)) {
			verdict = value;
		}
	}
	if (unlikely(verdict >= XDP_REDIRECT))
		this_cpu_inc(extension->counters->verdicts[heed_verdict(verdict, call.window)]);
	else
		this_cpu_inc(extension->counters->verdicts[verdict]);
	this_cpu_add(extension->counters->bytes, size);
	/* A fault may have closed the instance. */
	if (!returned || !vbpf_seat_prepare(&call, entry))
		vbpf_slot_put(call.slot);
	vbpf_call_leave(call.instance);
	return verdict;
}

static noinline u32 find_and_run(struct xdp_buff *xdp, u32 id, u32 entry)
{
	struct vbpf_extension *extension = vbpf_extension_find_rcu(id);

	if (likely(extension && vbpf_is_running(extension, entry)))
		return run_without_seat(xdp, extension, entry);
	return extension && READ_ONCE(extension->state) == VBPF_STATE_DETACHED ? XDP_PASS : XDP_ABORTED;
}

static noinline u32 fault_in_seat(struct vbpf_seat *seat, u32 exit)
{
	struct vbpf_call call = {
		.extension = seat->extension,
		.instance = seat->instance,
		.slot = seat->slot,
		.window = seat->window,
	};

	vbpf_call_report(&call, &seat->run, exit, vbpf_seat_entry(seat->key), NULL);
	/* The instance may be closed now, or the extension detached. */
	seat->key = 0;
	seat->slot = NULL;
	vbpf_slot_put(call.slot);
	return verdict_of_fault(seat->extension);
}

/*
 * By who has taken the seat. @copies: seat->copies, known when this is
 * compiled. Every instruction here is one that every packet pays.
 */
static __always_inline u32 run_in_seat(struct xdp_buff *xdp, struct vbpf_seat *seat, const bool copies)
{
	struct vbpf_counters __percpu *counters = seat->counters;
	u32 size = linear_size(xdp), copied = 0, verdict = XDP_ABORTED, exit;
	unsigned long window = seat->window, data = vbpf_window_packet(window);
	u64 value __uninitialized;
	struct vbpf_run *run = &seat->run;

	this_cpu_add(counters->bytes, size);
	this_cpu_inc(counters->invocations);
	if (copies) {
		copied = min(size, seat->copy_size);
		if (unlikely(!copy_packet((void *)data, xdp->data, copied)))
			goto leave;
	}
	fill_context(window, xdp, data, copied);
	vbpf_arch_set_start(run);
	exit = vbpf_arch_run_bound(&run, &value);
	seat = container_of(run, struct vbpf_seat, run);
	if (unlikely(exit != VBPF_EXIT_RETURN))
		verdict = fault_in_seat(seat, exit);
	else if (!copies || seat->read_only || take_packet(xdp, seat->window, seat->copy_size))
		verdict = value;
leave:
	counters = seat->counters;
	if (unlikely(verdict >= XDP_REDIRECT))
		this_cpu_inc(counters->verdicts[heed_verdict(verdict, seat->window)]);
	else
		this_cpu_inc(counters->verdicts[verdict]);
	vbpf_seat_leave(seat);
	return verdict;
}

/* Not in line: each saves registers where it is clear that it needs to. */
static noinline u32 copy_and_run_in_seat(struct xdp_buff *xdp, struct vbpf_seat *seat)
{
	return run_in_seat(xdp, seat, true);
}

static noinline u32 only_run_in_seat(struct xdp_buff *xdp, struct vbpf_seat *seat)
{
	return run_in_seat(xdp, seat, false);
}

__bpf_kfunc_start_defs();

/**
 * vbpf_xdp - let an extension decide about a packet
 * @ctx: the packet
 * @id: of the extension
 * @entry: number of the entry, but for its highest bit
 *
 * The packet is copied to where the extension may touch it, and back. Packet
 * pointers that the program has keep pointing into the packet's buffer, but
 * the packet may begin and end elsewhere.
 *
 * Return: the entry's verdict. XDP_ABORTED when there is no such extension or
 * entry, or it could not run; when it faulted, what its policy says. XDP_PASS
 * when it is detached.
 */
__bpf_kfunc u32 vbpf_xdp(struct xdp_md *ctx, u32 id, u32 entry)
{
	struct xdp_buff *xdp = (struct xdp_buff *)ctx;
	struct vbpf_seat *seat;
	u32 verdict;

	rcu_read_lock();
	preempt_disable();
	seat = this_cpu_ptr(&vbpf_seats);
	if (unlikely(!vbpf_seat_take(seat, id, entry)))
		verdict = find_and_run(xdp, id, entry & INT_MAX);
	else if (seat->copies)
		verdict = copy_and_run_in_seat(xdp, seat);
	else
		verdict = only_run_in_seat(xdp, seat);
	preempt_enable();
	rcu_read_unlock();
	return verdict;
}

/**
 * vbpf_call - call an extension's function with a buffer
 * @id: of the extension
 * @entry: number of the entry
 * @buffer: copied to where the extension may touch it, and back
 * @buffer__sz: its size, bytes
 *
 * The entry gets the address and the size of the copy.
 *
 * Return: the low 32 bits of what the entry returned, or a negative error:
 * -ENOENT no such extension or entry, or it is detached, -E2BIG, -EBUSY it could not run now,
 * -EOPNOTSUPP not in this context, -ECANCELED it faulted (and the buffer is as
 * it was).
 */
__bpf_kfunc s64 vbpf_call(u32 id, u32 entry, void *buffer, u32 buffer__sz)
{
	struct vbpf_extension *extension;
	struct vbpf_call call;
	s64 result = -ENOENT;
	u64 value, data;

	if (buffer__sz > VBPF_PACKET_MAX)
		return -E2BIG;
	rcu_read_lock();
	preempt_disable();
	extension = vbpf_extension_find_rcu(id);
	if (likely(extension && vbpf_is_running(extension, entry)))
		result = vbpf_call_begin(&call, extension, vbpf_call_instance(extension));
	if (result)
		goto out;
	data = vbpf_window_packet(call.window);
	memcpy((void *)data, buffer, buffer__sz);
	result = vbpf_call_run(&call, call.instance->base + extension->entries[entry], entry, extension->budget,
			       data, buffer__sz, &value, NULL);
	if (!result) {
		memcpy(buffer, (void *)data, buffer__sz);
		result = (u32)value;
	}
	vbpf_call_end(&call);
out:
	preempt_enable();
	rcu_read_unlock();
	return result;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(xdp_functions)
BTF_ID_FLAGS(func, vbpf_xdp)
BTF_KFUNCS_END(xdp_functions)

BTF_KFUNCS_START(functions)
BTF_ID_FLAGS(func, vbpf_call)
BTF_KFUNCS_END(functions)

static const struct btf_kfunc_id_set xdp_set = {
	.owner = THIS_MODULE,
	.set = &xdp_functions,
};

static const struct btf_kfunc_id_set set = {
	.owner = THIS_MODULE,
	.set = &functions,
};

static int __init vbpf_kfunc_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_XDP, &xdp_set) ?:
	       register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &set);
}
late_initcall(vbpf_kfunc_init);
