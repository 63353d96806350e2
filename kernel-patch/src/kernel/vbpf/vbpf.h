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
#include <linux/workqueue.h>
#include <asm/vbpf.h>
#include <uapi/linux/vbpf.h>

struct bpf_map;
struct file;
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
/* From one buffer for a page that is larger than a window's data to the next, with a guard between them. */
#define VBPF_BUFFER_STRIDE	(2ULL * VBPF_USERFAULT_PAGE_MAX)

/* As in vbpf/uffd.h: what a uffd entry gets, at the beginning of the window. */
struct vbpf_uffd_context {
	u64 address, page, range_start, range_size, page_size;
	u32 access, thread;
	u64 buffer, source, source_size;
	u32 prefetch;	/* from here on the entry's word */
	s32 stride;
	u32 protect;
	u32 reserved;
};

/**
 * struct vbpf_instance - an extension's memory
 * @user: the CPU that is inside, plus 1; 0: nobody; VBPF_INSTANCE_CLOSED: it
 *	faulted and awaits its restart. With shared concurrency: how many are
 *	inside, less VBPF_INSTANCE_BIAS when it is closed
 * @exclusive: one at a time: not of shared concurrency
 * @base: of its region; 4 GiB aligned
 * @window: the first one
 * @area: the address space around it
 * @pages: what stays as it is for good, by page->lru
 * @data: what a restart writes anew. page_private: the page of its first contents, or 0: zeros
 * @heap: what a restart takes away
 * @lock: of @heap and its page table entries; taken with interrupts off
 * @loaded: has an image
 */
struct vbpf_instance {
	atomic_t user;
	bool exclusive, loaded;
	struct vbpf_extension *extension;
	unsigned long base, window;
	struct vm_struct *area;
	struct list_head pages, data, heap;
	raw_spinlock_t lock;
} ____cacheline_aligned;

#define VBPF_INSTANCE_CLOSED	INT_MAX
#define VBPF_INSTANCE_BIAS	0x40000000

struct vbpf_counters {
	u64 invocations, faults, busy, bytes;
	u64 verdicts[5];
	u64 userfaults[VBPF_USERFAULT_VERDICTS], prefetched;
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
 * @mutex: of loading and restarting: state, entries, constructors and instances until it runs
 * @state: enum vbpf_state; RUNNING is the only one in which it is called
 * @domain_key: 0: none at the moment. Changed by domain.c alone
 * @keys_open: PKRS with all keys closed but @domain_key and the shared one
 * @memory: pages of all instances, bytes
 * @source: pages that each instance can read at VBPF_REGION_SOURCE, pinned
 * @source_size: bytes
 * @fill_size: the largest page it fills, bytes
 * @attached: to userfaultfd contexts: userfault.c's
 * @restart: work, queued when a run has closed its instance
 * @minute_start, @minute_restarts: jiffies, and restarts since
 *
 * Found by id under RCU; freed a grace period after it was taken out.
 */
struct vbpf_extension {
	u32 id;
	u32 state;
	u32 concurrency;
	u32 instance_count;
	u32 domain_key;
	u32 keys_open;
	u32 copy_size;
	u32 flags;
	u32 entry_count;
	u32 on_fault;
	u64 *entries;
	u64 budget, init_budget;	/* TSC ticks */
	struct vbpf_instance *instances;
	struct vbpf_counters __percpu *counters;
	struct vbpf_record *record;

	struct bpf_map **maps;
	u32 map_count, map_stride;
	u64 map_offset;

	struct page **source;
	u64 source_size;
	u64 fill_size;
	struct list_head attached;
	struct vbpf_attach last_attached;

	struct work_struct restart;
	unsigned long minute_start;
	u32 minute_restarts, max_restarts;
	u64 restarts, key_changes;

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
int vbpf_extension_next(u32 *id);
int vbpf_extension_load(struct vbpf_extension *extension, const struct vbpf_image *image);
int vbpf_extension_set_maps(struct vbpf_extension *extension, const struct vbpf_maps *maps);
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
int vbpf_instance_map_source(struct vbpf_instance *instance, struct page **pages, u64 count);
bool vbpf_instance_grow_heap(struct vbpf_instance *instance, unsigned long address);
void vbpf_instance_reset(struct vbpf_instance *instance);
void vbpf_instance_set_key(struct vbpf_instance *instance, u32 key);

/* domain.c */
bool vbpf_domain_enter_slow(struct vbpf_extension *extension);
void vbpf_domain_drop(struct vbpf_extension *extension);
extern u32 vbpf_domain_generations[16];
DECLARE_PER_CPU(u32[16], vbpf_domain_flushed);

/*
 * Whether a run can begin: the extension has a key, and this CPU's TLB knows
 * which pages have it. Preemption off, and inside an instance, so that nobody
 * takes the key away.
 */
static inline bool vbpf_domain_enter(struct vbpf_extension *extension)
{
	u32 key = READ_ONCE(extension->domain_key);

	if (likely(key && __this_cpu_read(vbpf_domain_flushed[key]) == READ_ONCE(vbpf_domain_generations[key])))
		return true;
	return vbpf_domain_enter_slow(extension);
}

/* extension.c: under RCU. NULL: none of that id. */
extern struct vbpf_extension *vbpf_extension_recent[64];
struct vbpf_extension *vbpf_extension_find_slow(u32 id);

static inline struct vbpf_extension *vbpf_extension_find_rcu(u32 id)
{
	struct vbpf_extension *extension = READ_ONCE(vbpf_extension_recent[id % 64]);

	if (likely(extension && extension->id == id))
		return extension;
	return vbpf_extension_find_slow(id);
}

/* record.c */
void vbpf_record_init(struct vbpf_record *record);
void vbpf_record_fault(struct vbpf_extension *extension, struct vbpf_fault *fault);
void vbpf_record_line(struct vbpf_extension *extension, const char *text, u32 size);
bool vbpf_record_get_fault(struct vbpf_record *record, struct vbpf_fault *fault);
bool vbpf_record_get_line(struct vbpf_record *record, struct vbpf_log_line *line);

/* restart.c */
void vbpf_restart_init(struct vbpf_extension *extension);
void vbpf_restart_after_fault(struct vbpf_instance *instance);
int vbpf_construct(struct vbpf_extension *extension, struct vbpf_instance *instance, struct vbpf_fault *fault);

/* map.c: interrupts off. False: what was given is not the extension's, or no map. */
bool vbpf_map_import(struct vbpf_run *run, u64 number, u64 *value);

/* userfault.c */
#ifdef CONFIG_VBPF_USERFAULTFD
int vbpf_userfault_attach(struct vbpf_extension *extension, const struct vbpf_attach *request);
void vbpf_userfault_detach_all(struct vbpf_extension *extension);
void vbpf_userfault_restarted(struct vbpf_extension *extension);
void vbpf_userfault_info(struct vbpf_extension *extension, struct vbpf_info *info);
#else
static inline int vbpf_userfault_attach(struct vbpf_extension *extension, const struct vbpf_attach *request)
{
	return -EOPNOTSUPP;
}

static inline void vbpf_userfault_detach_all(struct vbpf_extension *extension)
{
}

static inline void vbpf_userfault_restarted(struct vbpf_extension *extension)
{
}

static inline void vbpf_userfault_info(struct vbpf_extension *extension, struct vbpf_info *info)
{
}
#endif

/* source.c: process context, with the extension's mutex. */
int vbpf_source_set(struct vbpf_extension *extension, const struct vbpf_source *source);
void vbpf_source_free(struct vbpf_extension *extension);

/* import.c */
bool vbpf_run_copy_in(const struct vbpf_run *run, void *to, unsigned long address, unsigned long size);
bool vbpf_run_copy_out(const struct vbpf_run *run, unsigned long address, const void *from, unsigned long size);
void vbpf_import_describe(const struct vbpf_run *run, struct vbpf_fault *fault);

/* seat.c */
bool vbpf_seat_give_up(const struct vbpf_instance *instance);
bool vbpf_seats_forget(const struct vbpf_extension *extension);
void vbpf_seats_forget_wait(const struct vbpf_extension *extension);

/* test_run.c */
int vbpf_test_run(struct vbpf_extension *extension, struct vbpf_test_run *test);

#endif
