// SPDX-License-Identifier: Apache-2.0
#include <vbpf/plugin.h>
#include <vbpf/xdp.h>

VBPF_PLUGIN_ENTRY uint64_t fails(uint64_t address) {
#line 77 "faulty.cpp"
  return *reinterpret_cast<volatile uint64_t*>(address);
}

VBPF_XDP_ENTRY(fails_too)(vbpf_xdp* ctx) {
#line 99 "faulty.cpp"
  return *reinterpret_cast<volatile int*>(ctx->egress_ifindex);
}
