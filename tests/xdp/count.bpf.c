// SPDX-License-Identifier: GPL-2.0-only
// Somebody else's program: counts packets and passes them on.
// clang-format off: the helpers' header needs the kernel's types before it
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
// clang-format on

__u64 packets;

SEC("xdp")
int count(struct xdp_md* ctx) {
  (void)ctx;
  __sync_fetch_and_add(&packets, 1);
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
