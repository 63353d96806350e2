/* SPDX-License-Identifier: Apache-2.0 */
/* The XDP hook: what an entry in section "xdp" is given and what it may answer. C and C++. */
#ifndef VBPF_XDP_H
#define VBPF_XDP_H

#include "vbpf/xdp_context.h"

/* The verdicts, with the numbers of eBPF. Anything else counts as XDP_ABORTED. */
enum {
  XDP_ABORTED = 0,
  XDP_DROP = 1,
  XDP_PASS = 2,
  XDP_TX = 3,
  XDP_REDIRECT = 4,
};

/* Marks an entry: VBPF_XDP_ENTRY(name)(struct vbpf_xdp *ctx) { ... return XDP_PASS; } */
#ifdef __cplusplus
#define VBPF_XDP_ENTRY(name) extern "C" __attribute__((section("xdp"), used, visibility("default"))) int name
#else
#define VBPF_XDP_ENTRY(name) __attribute__((section("xdp"), used, visibility("default"))) int name
#endif

#endif /* VBPF_XDP_H */
