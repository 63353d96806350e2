// SPDX-License-Identifier: Apache-2.0
// Returns how often it has run, by a global and by the heap, and adds to the packet's first byte.
#include <vbpf/xdp.h>

#include <vector>

static unsigned runs;
static std::vector<unsigned> history;

VBPF_XDP_ENTRY(counter)(vbpf_xdp* ctx) {
  history.push_back(++runs);
  if (ctx->data < ctx->data_end) ctx->data[0] = static_cast<uint8_t>(ctx->data[0] + 1);
  return history.size() == runs ? static_cast<int>(runs) : -1;
}
