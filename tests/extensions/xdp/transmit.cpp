// SPDX-License-Identifier: Apache-2.0
#include <vbpf/xdp.h>

VBPF_XDP_ENTRY(transmit)(vbpf_xdp*) { return XDP_TX; }
