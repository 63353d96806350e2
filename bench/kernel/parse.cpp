// SPDX-License-Identifier: Apache-2.0
// The first 64 bytes of a packet: copied in, and back unless WINDOW says that they are only read.
#include "vbpf/vbpf.h"
#include "vbpf/xdp.h"
#include "work.h"

VBPF_MANIFEST(.packet = WINDOW);

VBPF_XDP_ENTRY(parse)(struct vbpf_xdp* ctx) { return is_udp_to(ctx->data, ctx->data_end, 7777) ? XDP_DROP : XDP_PASS; }
