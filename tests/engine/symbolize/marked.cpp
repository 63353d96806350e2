// SPDX-License-Identifier: Apache-2.0
// Functions at known lines of a file that is called something else.
#include <vbpf/xdp.h>

#line 100 "folder/first.cpp"
extern "C" __attribute__((noinline)) int marked_first(int x) { return x * 3 + 1; }
#line 200 "folder/second.h"
extern "C" __attribute__((noinline)) int marked_second(int x) {
  int sum = 0;
  for (int i = 0; i < x; ++i) sum += marked_first(i);
  return sum;
}
#line 300 "/elsewhere/third.cpp"
VBPF_XDP_ENTRY(marked_third)(vbpf_xdp* ctx) {
  return marked_second(static_cast<int>(ctx->rx_queue_index)) > 7 ? XDP_DROP : XDP_PASS;
}
