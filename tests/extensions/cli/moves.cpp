// SPDX-License-Identifier: Apache-2.0
// Takes two bytes from the head and adds one, 0xee, at the tail; or, told so by the first byte, leaves pointers that
// are none.
#include <vbpf/xdp.h>

VBPF_XDP_ENTRY(moves)(vbpf_xdp* ctx) {
  if (ctx->data[0] == 0xff) {
    ctx->data = reinterpret_cast<uint8_t*>(0x1234);
    return XDP_PASS;
  }
  ctx->data += 2;
  *ctx->data_end++ = 0xee;
  return XDP_TX;
}
