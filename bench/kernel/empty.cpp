// SPDX-License-Identifier: Apache-2.0
// Nothing, with nothing of the packet: what a call costs.
#include "vbpf/vbpf.h"
#include "vbpf/xdp.h"

VBPF_MANIFEST(.packet = VBPF_PACKET_NOTHING);

VBPF_XDP_ENTRY(nothing)(struct vbpf_xdp*) { return XDP_PASS; }
