// SPDX-License-Identifier: Apache-2.0
// Counts packets, says so now and then, and lets them pass.
#include <vbpf/xdp.h>

#include <vbpf/vbpf.hpp>

static uint64_t packets;

VBPF_XDP_ENTRY(hello)(struct vbpf_xdp* ctx) {
  if (++packets % 1000 == 1) vbpf::log("hello: packet {}, {} bytes", packets, ctx->data_end - ctx->data);
  return XDP_PASS;
}
