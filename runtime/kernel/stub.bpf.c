// SPDX-License-Identifier: GPL-2.0-only
// What is attached for an extension in the kernel: an eBPF program, verified like any, that calls it.
// clang-format off: the helpers' header needs the kernel's types before it
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
// clang-format on

extern __u32 vbpf_xdp(struct xdp_md* ctx, __u32 id, __u32 entry) __ksym;

const volatile __u32 extension = 0; /* its id */
const volatile __u32 entry = 0;     /* the number of the entry */

SEC("xdp")
int vbpf_stub(struct xdp_md* ctx) { return vbpf_xdp(ctx, extension, entry); }

char _license[] SEC("license") = "GPL";
