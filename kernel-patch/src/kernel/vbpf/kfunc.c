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

#include "call.h"

/* Where the kernel and the extension meet; see struct vbpf_call. */
static struct vbpf_xdp_context *context_of(struct vbpf_call *call)
{
	return (struct vbpf_xdp_context *)call->window;
}

static u64 packet_of(struct vbpf_call *call)
{
	return call->window + PAGE_SIZE + VBPF_WINDOW_HEADROOM;
}

static void fill_context(struct vbpf_xdp_context *context, const struct xdp_buff *xdp, u64 data, u32 size)
{
	context->data = data;
	context->data_end = data + size;
	context->data_meta = data;
	context->ingress_ifindex = xdp->rxq->dev->ifindex;
	context->rx_queue_index = xdp->rxq->queue_index;
	context->egress_ifindex = 0;
	context->reserved = 0;
}

static u32 metadata_size(const struct xdp_buff *xdp)
{
	return xdp_data_meta_unsupported(xdp) ? 0 : xdp->data - xdp->data_meta;
}

/*
 * Takes over what the extension made of the packet: its context is read once,
 * and is its word. With a part of the packet copied, its end stays.
 */
static bool take_packet(struct vbpf_call *call, struct xdp_buff *xdp, u32 copied, bool whole)
{
	u64 before = packet_of(call), start = call->window + PAGE_SIZE, end = start + VBPF_WINDOW_DATA;
	u64 data = READ_ONCE(context_of(call)->data), data_end = READ_ONCE(context_of(call)->data_end);
	void *new_data = xdp->data + (s64)(data - before);
	void *new_end = xdp->data_end + (s64)(data_end - (before + copied));
	u32 metadata;

	if (likely(data == before && data_end == before + copied)) {
		if (copied)
			memcpy(xdp->data, (void *)before, copied);
		return true;
	}
	metadata = metadata_size(xdp);
	if (data < start || data > end || data_end < data || data_end > end)
		return false;
	if (!whole && data_end != before + copied)
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

/* XDP_REDIRECT goes to the device that the context names, as bpf_redirect() would send it. */
static void set_redirect(u32 ifindex)
{
	struct bpf_redirect_info *info = bpf_net_ctx_get_ri();

	info->flags = 0;
	info->tgt_index = ifindex;
	info->map_id = INT_MAX;
	info->map_type = BPF_MAP_TYPE_UNSPEC;
}

static u32 run_xdp(struct xdp_buff *xdp, struct vbpf_extension *extension, u32 entry)
{
	u32 size = xdp->data_end - xdp->data, copied = min(size, extension->copy_size), verdict = XDP_ABORTED;
	struct vbpf_call call __uninitialized;
	u64 value __uninitialized, data;
	int error;

	if (unlikely(copied > VBPF_PACKET_MAX))
		return XDP_ABORTED;
	if (unlikely(vbpf_call_begin(&call, extension, vbpf_call_instance(extension))))
		return XDP_ABORTED;
	data = packet_of(&call);
	if (copied)
		memcpy((void *)data, xdp->data, copied);
	fill_context(context_of(&call), xdp, data, copied);
	error = vbpf_call_run(&call, call.instance->base + extension->entries[entry], entry, extension->budget,
			      call.window, 0, &value, NULL);
	if (unlikely(error))
		verdict = extension->on_fault == VBPF_ON_FAULT_PASS ? XDP_PASS : XDP_ABORTED;
	else if (extension->flags & VBPF_READ_ONLY || take_packet(&call, xdp, copied, copied == size))
		verdict = value;
	if (verdict == XDP_REDIRECT)
		set_redirect(READ_ONCE(context_of(&call)->egress_ifindex));
	vbpf_call_end(&call);
	this_cpu_add(extension->counters->bytes, size);
	this_cpu_inc(extension->counters->verdicts[verdict <= XDP_REDIRECT ? verdict : XDP_ABORTED]);
	return verdict;
}

__bpf_kfunc_start_defs();

/**
 * vbpf_xdp - let an extension decide about a packet
 * @ctx: the packet
 * @id: of the extension
 * @entry: number of the entry
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
	struct vbpf_extension *extension;
	u32 verdict = XDP_ABORTED;

	rcu_read_lock();
	preempt_disable();
	extension = vbpf_extension_find_rcu(id);
	if (likely(extension && vbpf_is_running(extension, entry)))
		verdict = run_xdp((struct xdp_buff *)ctx, extension, entry);
	else if (extension && READ_ONCE(extension->state) == VBPF_STATE_DETACHED)
		verdict = XDP_PASS;
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
	data = packet_of(&call);
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
