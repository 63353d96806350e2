// SPDX-License-Identifier: GPL-2.0-only
// What the XDP benchmark measures against, and with.
// clang-format off: the helpers' header needs the kernel's types before it
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
// clang-format on

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} arrived SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} sockets SEC(".maps");

static __always_inline void count(void) {
  __u32 zero = 0;
  __u64* value = bpf_map_lookup_elem(&arrived, &zero);
  if (value) ++*value;
}

/* The generator: live frames out of the far device. */
SEC("xdp")
int generate(struct xdp_md* ctx) { return XDP_TX; }

SEC("xdp")
int count_and_drop(struct xdp_md* ctx) {
  count();
  return XDP_DROP;
}

SEC("xdp")
int pass(struct xdp_md* ctx) { return XDP_PASS; }

SEC("xdp")
int to_socket(struct xdp_md* ctx) { return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_DROP); }

/* The end of every packet that passes. */
SEC("tc")
int count_and_shoot(struct __sk_buff* skb) {
  count();
  return 2; /* TC_ACT_SHOT */
}

char _license[] SEC("license") = "GPL";
