// SPDX-License-Identifier: GPL-2.0-only
/* VBPF_EXT_RUN: an XDP entry on a packet that is on no device. */
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "call.h"

/* What the last run left, as the kernel takes it over. */
struct outcome {
	void *bytes;		/* room for a window's data */
	u32 size;
	bool valid;
	u64 value;
};

static void take_packet(const struct vbpf_call *call, struct outcome *outcome)
{
	const struct vbpf_xdp_context *context = (void *)call->window;
	u64 data = READ_ONCE(context->data), data_end = READ_ONCE(context->data_end);
	u64 start = call->window + PAGE_SIZE, end = start + VBPF_WINDOW_DATA;

	outcome->valid = data >= start && data_end >= data && data_end <= end;
	if (!outcome->valid)
		return;
	outcome->size = data_end - data;
	memcpy(outcome->bytes, (void *)data, outcome->size);
}

static int run_once(struct vbpf_extension *extension, struct vbpf_test_run *test, const void *packet,
		    struct outcome *outcome, struct vbpf_fault *fault)
{
	struct vbpf_xdp_context *context;
	struct vbpf_call call;
	u64 data, begin;
	int error;

	rcu_read_lock();
	preempt_disable();
	error = vbpf_call_begin(&call, extension, vbpf_call_instance(extension));
	if (error)
		goto out;
	data = call.window + PAGE_SIZE + VBPF_WINDOW_HEADROOM;
	memcpy((void *)data, packet, test->data_in_size);
	context = (void *)call.window;
	*context = (struct vbpf_xdp_context){
		.data = data,
		.data_end = data + test->data_in_size,
		.data_meta = data,
		.ingress_ifindex = test->ingress_ifindex,
		.rx_queue_index = test->rx_queue_index,
	};
	begin = ktime_get_mono_fast_ns();
	error = vbpf_call_run(&call, call.instance->base + extension->entries[test->entry], test->entry,
			      extension->budget, call.window, 0, &outcome->value, fault);
	test->duration_ns += ktime_get_mono_fast_ns() - begin;
	test->runs++;
	if (!error)
		take_packet(&call, outcome);
	vbpf_call_end(&call);
out:
	preempt_enable();
	rcu_read_unlock();
	return error;
}

static int run_all(struct vbpf_extension *extension, struct vbpf_test_run *test, const void *packet,
		   struct outcome *outcome)
{
	struct vbpf_fault fault = { };
	int error = 0;

	do {
		error = run_once(extension, test, packet, outcome, &fault);
		if (signal_pending(current) && !error)
			error = -EINTR;
		cond_resched();
	} while (!error && test->runs < test->repeat);
	if (error == -ECANCELED && test->fault &&
	    copy_to_user(u64_to_user_ptr(test->fault), &fault, sizeof(fault)))
		return -EFAULT;
	return error;
}

int vbpf_test_run(struct vbpf_extension *extension, struct vbpf_test_run *test)
{
	struct outcome outcome = { };
	u32 room = test->data_out_size;
	void *packet;
	int error;

	if (test->reserved || test->data_in_size > VBPF_PACKET_MAX)
		return -EINVAL;
	/* Pairs with the release in vbpf_extension_start(). */
	if (smp_load_acquire(&extension->state) != VBPF_STATE_RUNNING)
		return -EINVAL;
	if (test->entry >= extension->entry_count)
		return -ENOENT;
	test->repeat = max(test->repeat, 1u);
	test->runs = 0;
	test->duration_ns = 0;
	packet = vmemdup_user(u64_to_user_ptr(test->data_in), test->data_in_size);
	if (IS_ERR(packet))
		return PTR_ERR(packet);
	outcome.bytes = kvmalloc(VBPF_WINDOW_DATA, GFP_KERNEL_ACCOUNT);
	error = outcome.bytes ? run_all(extension, test, packet, &outcome) : -ENOMEM;
	test->retval = outcome.value;
	test->data_valid = outcome.valid;
	test->data_out_size = outcome.valid ? outcome.size : 0;
	if (!error && copy_to_user(u64_to_user_ptr(test->data_out), outcome.bytes, min(room, test->data_out_size)))
		error = -EFAULT;
	kvfree(outcome.bytes);
	kvfree(packet);
	return error;
}
