/* SPDX-License-Identifier: Apache-2.0 */
/* What the eBPF programs and the host agree on. C and C++; included after the kernel's integer types are known. */
#ifndef VBPF_XDP_SHARED_H
#define VBPF_XDP_SHARED_H

/* Packets that wait to be sent or given back, per queue. Also the most the kernel runs in one go (live frames). */
#define VBPF_XDP_SLOTS 256

/* One such packet. The map's value is this header and the packet's bytes. */
struct vbpf_out_slot {
  __u32 length;
  __u32 verdict; /* XDP_PASS, XDP_TX or XDP_REDIRECT */
  __u32 ifindex; /* XDP_REDIRECT: where to */
  __u32 reserved;
};

/* Which slot of its queue the injecting program takes next. One cache line each. */
struct vbpf_cursor {
  __u32 next;
  __u32 reserved[15];
};

/*
 * What became of a queue's live frames on their way out. `lost`: the far end had no room for them. `refused`: the
 * device takes no frames at all (no such device, a veth whose peer cannot); the host sends those in another way.
 */
struct vbpf_losses {
  __u32 refused_ifindex; /* the last one */
  __u32 reserved;
  __u64 lost;
  __u64 refused_transmit; /* by the queue's own device */
  __u64 refused_redirect; /* by other devices */
  __u64 padding[4];
};

/* Generic mode: lies in the headroom of an injected packet, just before its bytes. */
struct vbpf_pass_mark {
  __u64 secret;
  __u64 number;
};

/* Generic mode: so many injected packets may be under way to the attached program at a time (backlogs hold about 1000 a
 * CPU). */
#define VBPF_XDP_UNDER_WAY 65536

#endif
