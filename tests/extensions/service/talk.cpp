// SPDX-License-Identifier: Apache-2.0
// Says as many lines as the packet asks for, in bytes 16..19 of an order; everything passes.
#include <vbpf/xdp.h>

#include <cstring>
#include <vbpf/vbpf.hpp>

VBPF_XDP_ENTRY(talk)(vbpf_xdp* ctx) {
  uint32_t lines = 0;
  if (ctx->data_end - ctx->data < 20 || ctx->data[12] != 0x88 || ctx->data[13] != 0xb5) return XDP_PASS;
  std::memcpy(&lines, ctx->data + 16, sizeof(lines));
  for (uint32_t line = 1; line <= lines; ++line) vbpf::log("line {} of {} \x1b[31m", line, lines);
  return XDP_PASS;
}
