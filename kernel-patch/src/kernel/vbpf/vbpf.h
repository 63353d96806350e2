/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of kernel/vbpf share. */
#ifndef _KERNEL_VBPF_H
#define _KERNEL_VBPF_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <asm/vbpf.h>
#include <uapi/linux/vbpf.h>

struct mem_cgroup;
struct vm_struct;

/* As in vbpf/abi.h. */
#define VBPF_CONCURRENCY_PER_CPU	0	/* an instance for each CPU */
#define VBPF_CONCURRENCY_SHARED		1	/* one, entered by all at once */
#define VBPF_CONCURRENCY_SERIAL		2	/* one, entered by one at a time */

/* As in vbpf/xdp_context.h: what an XDP entry gets. */
struct vbpf_xdp_context {
	u64 data, data_end, data_meta;
	u32 ingress_ifindex, rx_queue_index, egress_ifindex;
	u32 reserved;
};

/*
 * A window is the memory a run shares with the kernel: a page for the context,
 * then the packet, with room before and after it.
 */
#define VBPF_WINDOW_HEADROOM	256
#define VBPF_WINDOW_DATA	(4 * PAGE_SIZE)
#define VBPF_WINDOW_SIZE	(PAGE_SIZE + VBPF_WINDOW_DATA)
#define VBPF_WINDOW_STRIDE	(8 * PAGE_SIZE)
/* The largest packet or buffer: the rest of a window is tailroom. */
#define VBPF_PACKET_MAX		(2 * PAGE_SIZE)

/**
 * struct vbpf_instance - an extension's memory
 * @base: of its region; 4 GiB aligned
 * @area: the address space around it
 * @pages: all that are mapped, by page->lru
 * @lock: of @pages and the heap's page table entries; taken with interrupts off
 * @user: the CPU that is inside, plus 1; 0: nobody. Not with shared concurrency.
 * @loaded: has an image
 */
struct vbpf_instance {
	struct vbpf_extension *extension;
	unsigned long base;
	struct vm_struct *area;
	struct list_head pages;
	raw_spinlock_t lock;
	atomic_t user;
	bool loaded;
} ____cacheline_aligned;

struct vbpf_counters {
	u64 invocations, faults, busy, bytes;
	u64 verdicts[5];
};

#define VBPF_FAULTS_KEPT	16
#define VBPF_LINES_KEPT		128

/**
 * struct vbpf_record - what an extension did, for who asks
 * @lock: taken with interrupts off
 */
struct vbpf_record {
	raw_spinlock_t lock;
	u64 fault_count, line_count, lines_dropped;
	struct vbpf_fault faults[VBPF_FAULTS_KEPT];
	struct vbpf_log_line lines[VBPF_LINES_KEPT];
	struct ratelimit_state limit;
};

/**
 * struct vbpf_extension - a loaded extension
 * @references: descriptors, and one while it is kept
 * @mutex: of loading: state, entries, constructors and instances until it runs
 * @state: enum vbpf_state; RUNNING is the only one in which it is called
 * @memory: pages of all instances, bytes
 *
 * Found by id under RCU; freed a grace period after it was taken out.
 */
struct vbpf_extension {
	u32 id;
	u32 state;
	u32 concurrency;
	u32 instance_count;
	u32 domain_key;
	u32 copy_size;
	u32 flags;
	u32 entry_count;
	u64 *entries;
	u64 budget, init_budget;	/* TSC ticks */
	struct vbpf_instance *instances;
	struct vbpf_counters __percpu *counters;
	struct vbpf_record *record;

	struct mem_cgroup *memcg;
	atomic64_t memory;
	u64 stack_size, heap_size;
	u64 budget_ns, init_budget_ns;
	u64 created_ns;
	u32 constructor_count;
	u64 *constructors;
	struct mutex mutex;	/* of loading */
	struct kref references;
	bool kept;
	char name[VBPF_NAME_MAX];
};

/* extension.c */
struct vbpf_extension *vbpf_extension_create(struct vbpf_create *create);
struct vbpf_extension *vbpf_extension_get(u32 id);	/* NULL: none of that id */
void vbpf_extension_put(struct vbpf_extension *extension);
struct vbpf_extension *vbpf_extension_find_rcu(u32 id);
int vbpf_extension_next(u32 *id);
int vbpf_extension_load(struct vbpf_extension *extension, const struct vbpf_image *image);
int vbpf_extension_start(struct vbpf_extension *extension, struct vbpf_fault *fault);
int vbpf_extension_keep(struct vbpf_extension *extension);
int vbpf_extension_unload(u32 id);
void vbpf_extension_info(struct vbpf_extension *extension, struct vbpf_info *info);
u32 vbpf_extension_count(void);

/* memory.c */
int vbpf_instance_init(struct vbpf_instance *instance, struct vbpf_extension *extension);
void vbpf_instance_free(struct vbpf_instance *instance);
int vbpf_instance_map_image(struct vbpf_instance *instance, const struct vbpf_segment *segments, u32 count,
			    const void __user *target_map, u64 target_map_size);
bool vbpf_instance_grow_heap(struct vbpf_instance *instance, unsigned long address);
unsigned long vbpf_window(const struct vbpf_instance *instance, const struct vbpf_slot *slot);

/* call.c: preemption off, under RCU. */

/**
 * struct vbpf_call - an invocation and the memory it works on
 * @window: its context is there, its packet VBPF_WINDOW_HEADROOM after the page
 *
 * vbpf_call_begin() finds an instance and a slot, vbpf_call_run() runs, and
 * vbpf_call_end() gives them back; after that the window is somebody else's.
 */
struct vbpf_call {
	struct vbpf_extension *extension;
	struct vbpf_instance *instance;
	struct vbpf_slot *slot;
	unsigned long window;
};

int vbpf_call_begin(struct vbpf_call *call, struct vbpf_extension *extension, struct vbpf_instance *instance);
/* -ECANCELED: it faulted, and @fault is written if it is not NULL. */
int vbpf_call_run(struct vbpf_call *call, u64 function, u32 entry, u64 budget, u64 argument, u64 argument2,
		  u64 *value, struct vbpf_fault *fault);
void vbpf_call_end(struct vbpf_call *call);
struct vbpf_instance *vbpf_call_instance(struct vbpf_extension *extension);

/* record.c */
void vbpf_record_init(struct vbpf_record *record);
void vbpf_record_fault(struct vbpf_extension *extension, struct vbpf_fault *fault);
void vbpf_record_line(struct vbpf_extension *extension, const char *text, u32 size);
bool vbpf_record_get_fault(struct vbpf_record *record, struct vbpf_fault *fault);
bool vbpf_record_get_line(struct vbpf_record *record, struct vbpf_log_line *line);

/* import.c */
void vbpf_import_describe(const struct vbpf_run *run, struct vbpf_fault *fault);

/* test_run.c */
int vbpf_test_run(struct vbpf_extension *extension, struct vbpf_test_run *test);

#endif
