// SPDX-License-Identifier: GPL-2.0-only
// The eBPF side of the XDP hook: hands packets to AF_XDP sockets, and brings packets back into the kernel.
// clang-format off: the helpers' header needs the kernel's types before it
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "shared.h"

#define TC_NEXT (-1) /* TCX_NEXT: as if this program were not there */

const volatile __u32 slot_bytes = 2048;  /* bytes of a packet a slot holds */
const volatile __u32 slot_mask = 2047;   /* a power of two less one, >= the longest packet: for the kernel's verifier */
const volatile __u8 generic_mode = 0;    /* what is given back meets the attached program again */
const volatile __u64 pass_secret = 0;    /* random, of this attachment */
const volatile __u32 pass_fwmark = 0;    /* random, of this attachment: "give this packet back" */
const volatile __u32 device_ifindex = 0; /* the device the hook is on */

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} sockets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, VBPF_XDP_SLOTS);
  __uint(key_size, sizeof(__u32));
  __uint(value_size, 4096);
} slots SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct vbpf_cursor);
} cursors SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct vbpf_losses);
} losses SEC(".maps");

/* Generic mode: the numbers of packets that were injected and have not met the attached program yet, each at its
 * remainder. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} under_way SEC(".maps");

__u64 last_number; /* of an injected packet */

/* Which queue a thread serves. Live frames know their device, but the kernel calls their queue 0. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 128);
  __type(key, __u64);
  __type(value, __u32);
} threads SEC(".maps");

/* Run once by each queue's thread, with the queue as context: ids of threads are not the same in every pid namespace.
 */
SEC("syscall")
int vbpf_serve_queue(__u32* queue) {
  __u64 thread = bpf_get_current_pid_tgid();
  __u32 value = *queue;
  return bpf_map_update_elem(&threads, &thread, &value, BPF_ANY);
}

static __always_inline __u32* queue_of_this_thread(void) {
  __u64 thread = bpf_get_current_pid_tgid();
  return bpf_map_lookup_elem(&threads, &thread);
}

/*
 * Generic mode: is this a packet that vbpf_inject just gave back? It carries a mark in its headroom, which nothing on
 * the wire can write; a number is good once, so that stale bytes in a recycled buffer mean nothing. The mark travels
 * with the packet, so it does not matter on which CPU and when the packet turns up (receive packet steering).
 */
static __always_inline int given_back(struct xdp_md* ctx) {
  int found = 0;
  if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct vbpf_pass_mark))) return 0;
  struct vbpf_pass_mark* mark = (void*)(long)ctx->data_meta;
  if ((void*)(mark + 1) <= (void*)(long)ctx->data && mark->secret == pass_secret) {
    __u32 index = mark->number % VBPF_XDP_UNDER_WAY;
    __u64* number = bpf_map_lookup_elem(&under_way, &index);
    found = number && __sync_val_compare_and_swap(number, mark->number, 0) == mark->number;
    mark->secret = 0;
  }
  bpf_xdp_adjust_meta(ctx, sizeof(struct vbpf_pass_mark));
  return found;
}

static __always_inline int redirect(struct xdp_md* ctx) {
  if (generic_mode && given_back(ctx)) return XDP_PASS;
  return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}

/* Two of the same: a driver is made to look at all its queues again by replacing one with the other. */
SEC("xdp")
int vbpf_redirect(struct xdp_md* ctx) { return redirect(ctx); }

SEC("xdp")
int vbpf_redirect_2(struct xdp_md* ctx) { return redirect(ctx); }

/* In a chain, always native: one that could change the packet is not let in where others do not. */
SEC("xdp")
int vbpf_chained(struct xdp_md* ctx) { return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS); }

static __always_inline int mark_packet(struct xdp_md* ctx) {
  if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(struct vbpf_pass_mark))) return -1;
  struct vbpf_pass_mark* mark = (void*)(long)ctx->data_meta;
  if ((void*)(mark + 1) > (void*)(long)ctx->data) return -1;
  __u64 number = __sync_fetch_and_add(&last_number, 1) + 1;
  __u32 index = number % VBPF_XDP_UNDER_WAY;
  __u64* place = bpf_map_lookup_elem(&under_way, &index);
  if (!place) return -1;
  *place = number;
  mark->secret = pass_secret;
  mark->number = number;
  return bpf_xdp_adjust_meta(ctx, sizeof(struct vbpf_pass_mark));
}

/*
 * Run by BPF_PROG_RUN with live frames, once for each packet that leaves the host's side. The frame comes with the
 * length of the longest packet of the run: it is cut to this packet's, filled, and meets its verdict.
 */
SEC("xdp")
int vbpf_inject(struct xdp_md* ctx) {
  __u32* queue = queue_of_this_thread();
  if (!queue) return XDP_DROP;
  struct vbpf_cursor* cursor = bpf_map_lookup_elem(&cursors, queue);
  if (!cursor) return XDP_DROP;
  __u32 index = *queue * VBPF_XDP_SLOTS + (cursor->next++ & (VBPF_XDP_SLOTS - 1));
  struct vbpf_out_slot* slot = bpf_map_lookup_elem(&slots, &index);
  if (!slot) return XDP_DROP;
  __u64 length = slot->length & slot_mask;
  __u64 frame = ctx->data_end - ctx->data;
  asm volatile("" : "+r"(length)); /* 64-bit comparisons, which the kernel's verifier can follow */
  if (length < 14) return XDP_DROP;
  if (length > slot_bytes) return XDP_DROP;
  if (length != frame && bpf_xdp_adjust_tail(ctx, (int)length - (int)frame)) return XDP_DROP;
  if (bpf_xdp_store_bytes(ctx, 0, slot + 1, length)) return XDP_DROP;
  switch (slot->verdict) {
    case XDP_PASS:
      if (generic_mode && mark_packet(ctx)) return XDP_DROP;
      return XDP_PASS;
    case XDP_TX:
      return XDP_TX;
    case XDP_REDIRECT:
      return bpf_redirect(slot->ifindex, 0);
  }
  return XDP_DROP;
}

/* On the device's egress: a packet with our mark came from the host's side and belongs to the device's own receive
 * path. */
SEC("tc")
int vbpf_give_back(struct __sk_buff* skb) {
  if (skb->mark != pass_fwmark) return TC_NEXT;
  skb->mark = 0;
  return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
}

static __always_inline struct vbpf_losses* losses_of_this_thread(void) {
  __u32* queue = queue_of_this_thread();
  return queue ? bpf_map_lookup_elem(&losses, queue) : 0;
}

/* The start of struct net_device as far as it is needed; the loader fills in where ifindex is on this kernel. */
struct net_device {
  int ifindex;
} __attribute__((preserve_access_index));

static __always_inline void count_refused(struct vbpf_losses* found, __u32 ifindex, __u64 frames) {
  found->refused_ifindex = ifindex;
  if (ifindex == device_ifindex) {
    found->refused_transmit += frames;
  } else {
    found->refused_redirect += frames;
  }
}

/* xdp_devmap_xmit(from, to, sent, drops, err): a device refused frames, or the far end of a veth could not take them.
 */
SEC("raw_tp/xdp_devmap_xmit")
int vbpf_count_losses(struct bpf_raw_tracepoint_args* ctx) {
  const struct net_device* to = (const void*)ctx->args[1];
  int drops = (int)ctx->args[3];
  int error = (int)ctx->args[4];
  int ifindex = 0;
  if (drops <= 0) return 0;
  struct vbpf_losses* found = losses_of_this_thread();
  if (!found) return 0;
  if (error == 0) {
    found->lost += drops;
    return 0;
  }
  bpf_probe_read_kernel(&ifindex, sizeof(ifindex), __builtin_preserve_access_index(&to->ifindex));
  count_refused(found, ifindex, drops);
  return 0;
}

/* xdp_redirect_err(dev, program, target, err, map type, map id, ifindex): no such device, or it takes no frames at all.
 */
SEC("raw_tp/xdp_redirect_err")
int vbpf_count_refusals(struct bpf_raw_tracepoint_args* ctx) {
  struct vbpf_losses* found = losses_of_this_thread();
  if (found) count_refused(found, (__u32)ctx->args[6], 1);
  return 0;
}

char _license[] SEC("license") = "GPL";
