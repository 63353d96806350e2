/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vBPF: native extensions in the kernel, confined by supervisor protection keys.
 *
 * /dev/vbpf is the way in. VBPF_IOC_CREATE makes an empty extension and returns
 * a descriptor for it; VBPF_EXT_REGION says where each of its instances lives,
 * VBPF_EXT_IMAGE copies in the bytes that were verified and linked for that
 * address, VBPF_EXT_START runs the global constructors. From then on an eBPF
 * program can call it by its id, through the kfuncs vbpf_xdp() and vbpf_call().
 *
 * An extension lives as long as one of its descriptors is open, or after
 * VBPF_EXT_KEEP until VBPF_IOC_UNLOAD. A program that refers to an extension
 * that is gone gets the verdict XDP_ABORTED, or -ENOENT.
 *
 * All need CAP_SYS_MODULE, like loading a module, and a kernel that is not
 * locked down: the kernel trusts the loader to have verified the image, and
 * the extension not at all.
 *
 * Reserved fields must be 0. Addresses in these structures are of the caller's
 * memory, offsets are from the start of an instance's region (vbpf/abi.h).
 */
#ifndef _UAPI_LINUX_VBPF_H
#define _UAPI_LINUX_VBPF_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VBPF_UAPI_VERSION	2
#define VBPF_DEVICE		"/dev/vbpf"

#define VBPF_NAME_MAX		64	/* with the terminating zero */
#define VBPF_SEGMENTS_MAX	8
#define VBPF_CONSTRUCTORS_MAX	65536
#define VBPF_ENTRIES_MAX	1024
#define VBPF_MESSAGE_MAX	256
#define VBPF_MAPS_MAX		32
#define VBPF_MAP_VALUE_MAX	4096	/* the largest key or value, bytes */
#define VBPF_SOURCE_MAX		0x40000000	/* bytes */
#define VBPF_USERFAULT_PAGE_MAX	0x200000	/* the largest page that is filled, bytes */
#define VBPF_USERFAULT_VERDICTS	6

/*
 * Where the loader's code lies in each region: the externals an image is
 * linked with. The slots of the registers are in the order of the numbers
 * that instructions use for them (rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15;
 * rsp has none); imports are in the order of vbpf/imports.def.
 */
#define VBPF_THUNK_RETURN		0x11000	/* stack written by its own thread alone */
#define VBPF_THUNK_INDIRECT(reg)	(0x11100 + 16 * (reg))
#define VBPF_THUNK_IMPORT(number)	(0x11200 + 16 * (number))

/* Why the machine cannot run extensions; 0: it can. */
enum vbpf_support {
	VBPF_SUPPORT_OK,
	VBPF_SUPPORT_NO_PKS,	/* the CPU has no supervisor protection keys */
	VBPF_SUPPORT_NO_SMAP,	/* the CPU has no SMAP, or it is turned off */
	VBPF_SUPPORT_FRED,	/* FRED is on: it bypasses the interrupt table */
	VBPF_SUPPORT_IBT,	/* indirect branch tracking is on */
	VBPF_SUPPORT_CPU,	/* a CPU could not be set up; see the kernel's log */
	VBPF_SUPPORT_PV,	/* a guest whose events are its hypervisor's (Xen PV, SEV-ES) */
};

/* VBPF_IOC_QUERY: all are written by the kernel. */
struct vbpf_query {
	__u32 version;		/* VBPF_UAPI_VERSION */
	__u32 support;		/* enum vbpf_support */
	__u32 cpus;		/* instances of a per_cpu extension */
	__u32 slots;		/* extensions that run at the same time */
	__u32 domains;		/* extensions that have a key of their own at the same time */
	__u32 extensions;	/* loaded */
	__u64 stack_size;	/* the largest stack, bytes */
	__u64 heap_size;	/* the largest heap, bytes */
	__u64 window_size;	/* the largest packet or buffer, bytes */
};

#define VBPF_PRECISE		1u	/* end overruns by a timer of their own, not at the next tick */
#define VBPF_READ_ONLY		2u	/* what an XDP entry changes does not reach the packet */

/* Bytes of a packet an XDP entry sees; any other number: so many at most. */
#define VBPF_COPY_LINEAR	0u		/* all of its linear part */
#define VBPF_COPY_NOTHING	0xffffffffu

/* What happens after a fault. */
enum vbpf_on_fault {
	VBPF_ON_FAULT_PASS,	/* the packet's verdict is XDP_PASS, and the instance goes on as it is */
	VBPF_ON_FAULT_DETACH,	/* all packets pass from now on */
	VBPF_ON_FAULT_RESTART,	/* the instance begins anew; detached when that happens too often */
};

/* VBPF_IOC_CREATE: returns a descriptor. */
struct vbpf_create {
	char name[VBPF_NAME_MAX];	/* printable, unique, ends in 0 */
	__u32 concurrency;		/* VBPF_CONCURRENCY_* of vbpf/abi.h */
	__u32 flags;			/* VBPF_PRECISE, VBPF_READ_ONLY */
	__u64 stack_size;		/* bytes */
	__u64 heap_size;		/* bytes */
	__u64 budget_ns;		/* of one invocation */
	__u64 init_budget_ns;		/* of the constructors of one instance */
	__u32 copy_size;		/* VBPF_COPY_*, or bytes */
	__u32 on_fault;			/* enum vbpf_on_fault */
	__u32 max_restarts;		/* within a minute */
	__u32 id;			/* out */
	__u32 instances;		/* out */
	__u32 fill_size;		/* the largest page that uffd entries fill, bytes; 0: 4096 */
};

/* VBPF_EXT_REGION */
struct vbpf_region {
	__u32 instance;
	__u32 reserved;
	__u64 base;			/* out: what to link for */
};

enum vbpf_segment_kind { VBPF_SEGMENT_TEXT, VBPF_SEGMENT_READ_ONLY, VBPF_SEGMENT_DATA };

struct vbpf_segment {
	__u64 offset;		/* page aligned */
	__u64 size;		/* in memory; what follows the bytes is zero */
	__u64 bytes;
	__u64 bytes_size;
	__u32 kind;		/* enum vbpf_segment_kind */
	__u32 reserved;
};

/*
 * VBPF_EXT_IMAGE: once for each instance, all alike. The target map has a byte
 * for each byte of text.
 */
struct vbpf_image {
	__u32 instance;
	__u32 segment_count;
	__u64 segments;		/* struct vbpf_segment */
	__u64 target_map;
	__u64 target_map_size;
	__u64 constructors;	/* offsets, __u64 each, in order */
	__u32 constructor_count;
	__u32 entry_count;
	__u64 entries;		/* offsets, __u64 each: entry numbers count these */
};

/*
 * VBPF_EXT_MAPS, once, before the start: BPF maps for the imports vbpf_map_*().
 * The extension names one by the address of its descriptor; those lie in a row,
 * from an offset in its image on. Arrays and hashes, of plain data.
 */
struct vbpf_maps {
	__u64 descriptors;	/* __s32 each */
	__u32 count;
	__u32 stride;		/* from one to the next, bytes */
	__u64 offset;		/* of the first */
};

/*
 * VBPF_EXT_SOURCE, once, before the first image: memory of the caller's that
 * each instance can read, a file mapped shared. Its pages are pinned for as
 * long as the extension lives: a file that shrinks keeps them.
 */
struct vbpf_source {
	__u64 address;		/* page aligned */
	__u64 size;		/* bytes; at most VBPF_SOURCE_MAX */
};

/*
 * VBPF_EXT_UFFD: page faults of a userfaultfd are answered by an entry from
 * now on, until the extension is unloaded or the last descriptor of that
 * userfaultfd closed. What it passes is reported to the descriptor.
 * EBADF: it is no userfaultfd. EINVAL: it has had no handshake, or reports
 * faults by SIGBUS. EBUSY: another extension has it.
 */
struct vbpf_attach {
	__s32 descriptor;
	__u32 entry;
	__u32 prefetch;		/* pages besides a fault's own, at most */
	__u32 pid;		/* for VBPF_EXT_INFO: whose memory it is about */
};

enum vbpf_fault_kind {
	VBPF_FAULT_NONE,
	VBPF_FAULT_BAD_ADDRESS,
	VBPF_FAULT_STACK_OVERFLOW,
	VBPF_FAULT_DIVIDE_ERROR,
	VBPF_FAULT_UNDEFINED_INSTRUCTION,
	VBPF_FAULT_BAD_RETURN,
	VBPF_FAULT_BAD_CALL,
	VBPF_FAULT_ABORT,
	VBPF_FAULT_HEAP_EXHAUSTED,
	VBPF_FAULT_PURE_VIRTUAL,
	VBPF_FAULT_BUDGET,
	VBPF_FAULT_BAD_IMPORT,
	VBPF_FAULT_EXCEPTION,	/* any other: see vector */
};

/* What ended an invocation. VBPF_EXT_FAULT gets one by its number. */
struct vbpf_fault {
	__u32 kind;		/* enum vbpf_fault_kind */
	__u32 instance;
	__u32 cpu;
	__u32 vector;		/* of the exception; 0xffffffff: none */
	__u64 error_code;
	__u64 address;		/* accessed, or jumped to; else rip */
	__u64 registers[18];	/* rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15 rip rflags */
	__u64 stack_top;	/* of the slot that it ran in; 0 if unknown */
	__u64 base;		/* of the instance's region */
	__u64 time_ns;		/* CLOCK_MONOTONIC */
	__u64 number;		/* counts the extension's faults, from 1 */
	__u32 message_size;	/* of an abort */
	__u32 entry;		/* its number; 0xffffffff: a constructor */
	char message[VBPF_MESSAGE_MAX];	/* bytes of the extension's making */
};

/*
 * VBPF_EXT_RUN: runs an XDP entry on a packet that is not on any device. Every
 * run sees the packet afresh. Ends at the first fault, with ECANCELED and the
 * fault written.
 */
struct vbpf_test_run {
	__u32 entry;
	__u32 repeat;		/* 0 is 1 */
	__u64 data_in;
	__u64 data_out;
	__u32 data_in_size;
	__u32 data_out_size;	/* in: room; out: the packet's size after the last run */
	__u64 fault;		/* struct vbpf_fault, or 0 */
	__u32 retval;		/* out: of the last run */
	__u32 runs;		/* out */
	__u64 duration_ns;	/* out: of all runs */
	__u32 data_valid;	/* out: 0 if the entry left data or data_end outside of its buffer */
	__u32 ingress_ifindex;	/* what the context says */
	__u32 rx_queue_index;
	__u32 reserved;
};

enum vbpf_state {
	VBPF_STATE_EMPTY,	/* no image yet, or not for all instances */
	VBPF_STATE_RUNNING,
	VBPF_STATE_STOPPED,	/* a constructor failed, or it is being unloaded */
	VBPF_STATE_DETACHED,	/* it faulted, and as its policy says packets pass it by */
};

/* VBPF_EXT_INFO: all are written by the kernel. Counts are since the start. */
struct vbpf_info {
	char name[VBPF_NAME_MAX];
	__u32 id;
	__u32 state;			/* enum vbpf_state */
	__u32 concurrency;
	__u32 instances;
	__u32 kept;			/* outlives its descriptors */
	__u32 copy_size;
	__u32 flags;
	__u32 domain_key;		/* 0: has none at the moment */
	__u32 on_fault;			/* enum vbpf_on_fault */
	__u32 max_restarts;
	__u32 map_count;
	__u32 map_ids[VBPF_MAPS_MAX];	/* as bpftool knows them */
	__u32 userfaults;		/* contexts it is attached to */
	__u32 userfault_pid;		/* as the loader said of the last of them, also when that is gone; 0: none */
	__u32 userfault_entry;		/* and what answers it */
	__u32 userfault_prefetch;
	__u32 reserved;
	__u64 source_size;
	__u64 stack_size, heap_size;
	__u64 budget_ns;
	__u64 memory;			/* bytes of pages, all instances */
	__u64 created_ns;		/* CLOCK_BOOTTIME */
	__u64 invocations;
	__u64 faults;
	__u64 busy;			/* not entered: no slot or key was free, nested in itself, restarting */
	__u64 restarts;
	__u64 key_changes;		/* keys it has had */
	__u64 bytes;			/* of packets */
	__u64 verdicts[5];		/* XDP_ABORTED .. XDP_REDIRECT; others count as XDP_ABORTED */
	__u64 userfault_verdicts[VBPF_USERFAULT_VERDICTS];	/* of vbpf/uffd.h; not carried out: passed */
	__u64 userfault_prefetched;	/* pages that nobody had touched */
	__u64 log_lines, log_dropped;
};

/*
 * VBPF_EXT_LOG, like VBPF_EXT_FAULT: in: number; out: the line of that number,
 * or the oldest kept that is later. ENOENT: there is none yet.
 */
struct vbpf_log_line {
	__u64 number;		/* counts lines, from 1 */
	__u64 time_ns;		/* CLOCK_REALTIME */
	__u32 size;		/* of text */
	__u32 reserved;
	char text[512];
};

#define VBPF_IOC_MAGIC	0xb7

/* On /dev/vbpf. */
#define VBPF_IOC_QUERY	_IOR(VBPF_IOC_MAGIC, 0, struct vbpf_query)
#define VBPF_IOC_CREATE	_IOWR(VBPF_IOC_MAGIC, 1, struct vbpf_create)
#define VBPF_IOC_OPEN	_IOW(VBPF_IOC_MAGIC, 2, __u32)	/* a descriptor for an id */
#define VBPF_IOC_NEXT	_IOWR(VBPF_IOC_MAGIC, 3, __u32)	/* the next larger id; ENOENT */
#define VBPF_IOC_UNLOAD	_IOW(VBPF_IOC_MAGIC, 4, __u32)	/* waits for running invocations */

/* On an extension's descriptor. */
#define VBPF_EXT_REGION	_IOWR(VBPF_IOC_MAGIC, 16, struct vbpf_region)
#define VBPF_EXT_IMAGE	_IOW(VBPF_IOC_MAGIC, 17, struct vbpf_image)
#define VBPF_EXT_START	_IOR(VBPF_IOC_MAGIC, 18, struct vbpf_fault)	/* ECANCELED: fault written */
#define VBPF_EXT_KEEP	_IO(VBPF_IOC_MAGIC, 19)
#define VBPF_EXT_RUN	_IOWR(VBPF_IOC_MAGIC, 20, struct vbpf_test_run)
#define VBPF_EXT_INFO	_IOR(VBPF_IOC_MAGIC, 21, struct vbpf_info)
#define VBPF_EXT_FAULT	_IOWR(VBPF_IOC_MAGIC, 22, struct vbpf_fault)
#define VBPF_EXT_LOG	_IOWR(VBPF_IOC_MAGIC, 23, struct vbpf_log_line)
#define VBPF_EXT_MAPS	_IOW(VBPF_IOC_MAGIC, 24, struct vbpf_maps)
#define VBPF_EXT_SOURCE	_IOW(VBPF_IOC_MAGIC, 25, struct vbpf_source)
#define VBPF_EXT_UFFD	_IOW(VBPF_IOC_MAGIC, 26, struct vbpf_attach)

#endif /* _UAPI_LINUX_VBPF_H */
