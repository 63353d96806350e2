// SPDX-License-Identifier: Apache-2.0
// Entries that do nothing: what is left is the gate.
#include <vbpf/xdp.h>

extern "C" __attribute__((section("plugin"))) int empty(uint64_t value) { return static_cast<int>(value); }

VBPF_XDP_ENTRY(pass)(vbpf_xdp*) { return XDP_PASS; }
