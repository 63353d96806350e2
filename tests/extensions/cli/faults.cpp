// SPDX-License-Identifier: Apache-2.0
// Faults as the first byte of a packet without an IP header says; and logs.
#include <vbpf/xdp.h>

#include <cstdlib>
#include <vbpf/vbpf.hpp>

static volatile int zero;
static int* volatile nowhere;
static volatile bool forever = true;

VBPF_XDP_ENTRY(faults)(vbpf_xdp* ctx) {
  switch (ctx->data[0]) {
    case 1:
      *nowhere = 1;
      break;
    case 2:
      return 100 / zero;
    case 3:
      while (forever) {
      }
    case 4:
      std::abort();
    case 5:
      __builtin_trap();
    case 6:
      for (int i = 0; i < 1000; ++i) vbpf::log("line {}\n\x1b[31m", i);
      break;
  }
  return XDP_PASS;
}
