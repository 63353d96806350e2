// SPDX-License-Identifier: Apache-2.0
#include "vbpf/vbpf.h"
#include "vbpf/xdp.h"
#include "work.h"

VBPF_MANIFEST(.packet = VBPF_PACKET_NOTHING);

VBPF_XDP_ENTRY(loop)(struct vbpf_xdp* ctx) { return mix_thousand(ctx->rx_queue_index + 1) == 0 ? XDP_DROP : XDP_PASS; }
