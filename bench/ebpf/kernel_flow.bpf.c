// SPDX-License-Identifier: GPL-2.0-only
// The comparison's programs for the kernel's JIT.
// clang-format off: the helpers' header needs the kernel's types before it
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
// clang-format on
#include "flow.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 2 * FLOWS);
  __type(key, struct flow);
  __type(value, __u64);
} packets SEC(".maps");

SEC("xdp")
int nothing(struct xdp_md* ctx) { return XDP_PASS; }

SEC("xdp")
int parse(struct xdp_md* ctx) {
  struct flow flow;
  if (!read_flow((unsigned char*)(long)ctx->data, (unsigned char*)(long)ctx->data_end, &flow)) return XDP_DROP;
  return flow.target == 0 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int lookup(struct xdp_md* ctx) {
  struct flow flow;
  __u64* count;
  if (!read_flow((unsigned char*)(long)ctx->data, (unsigned char*)(long)ctx->data_end, &flow)) return XDP_DROP;
  count = bpf_map_lookup_elem(&packets, &flow);
  if (!count) return XDP_DROP;
  ++*count;
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
