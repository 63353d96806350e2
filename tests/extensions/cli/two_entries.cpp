// SPDX-License-Identifier: Apache-2.0
#include <vbpf/xdp.h>

VBPF_XDP_ENTRY(passes)(vbpf_xdp*) { return XDP_PASS; }
VBPF_XDP_ENTRY(drops)(vbpf_xdp*) { return XDP_DROP; }
