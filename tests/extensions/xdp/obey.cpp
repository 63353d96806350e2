// SPDX-License-Identifier: Apache-2.0
// Does what the packet says: byte 14 is an order, bytes 16..19 its argument. Packets that are no orders pass.
#include <vbpf/xdp.h>

#include <cstring>

namespace {

constexpr int no_order = XDP_PASS;

unsigned calls;  // of this instance

struct Order {
  uint8_t destination[6], source[6], type[2];
  char verb;
  uint8_t unused;
  uint32_t argument;
};

// Never ends but by its stack.
int recurse(int depth) {
  volatile char space[512];
  space[0] = static_cast<char>(depth);
  return (space[0] == depth ? recurse(depth + 256) : 0) + space[0];
}

}  // namespace

VBPF_XDP_ENTRY(obey)(vbpf_xdp* ctx) {
  ++calls;
  Order order;
  if (ctx->data_end - ctx->data < static_cast<long>(sizeof(order))) return no_order;
  std::memcpy(&order, ctx->data, sizeof(order));
  if (order.type[0] != 0x88 || order.type[1] != 0xb5) return no_order;
  switch (order.verb) {
    case 'd':
      return XDP_DROP;
    case 'p':
      return XDP_PASS;
    case 't':
      return XDP_TX;
    case 'r':
      ctx->egress_ifindex = order.argument;
      return XDP_REDIRECT;
    case 'a':
      return XDP_ABORTED;
    case 'n':
      return 77;
    case 'w':  // write over the payload, then pass
      for (uint8_t* at = ctx->data + sizeof(order); at < ctx->data_end; ++at) *at = static_cast<uint8_t>(~*at);
      return XDP_PASS;
    case '+':  // a copy of the Ethernet header, `argument` bytes further in front
      std::memmove(ctx->data - order.argument, ctx->data, 14);
      ctx->data -= order.argument;
      return XDP_PASS;
    case '-':  // take `argument` bytes out behind the Ethernet header
      std::memmove(ctx->data + order.argument, ctx->data, 14);
      ctx->data += order.argument;
      return XDP_PASS;
    case '>':  // longer by `argument` bytes
      std::memset(ctx->data_end, 0x5a, order.argument);
      ctx->data_end += order.argument;
      return XDP_PASS;
    case '<':
      ctx->data_end -= order.argument;
      return XDP_PASS;
    case 'H':
      ctx->data -= 4096;
      return XDP_PASS;  // out of the frame, in front
    case 'T':
      ctx->data_end += 4096;
      return XDP_PASS;  // out of the frame, behind
    case 'S':
      ctx->data_end = ctx->data - 1;
      return XDP_PASS;  // ends before it begins
    case 'Z':
      ctx->data = nullptr;
      return XDP_TX;
    case 'X':
      ctx->data = reinterpret_cast<uint8_t*>(~0ull - 8);
      return XDP_PASS;
    case 'R':
      ctx->data = ctx->data_end - 4;
      return XDP_PASS;  // a runt
    case 'c':           // how often this instance was called
      std::memcpy(ctx->data + 16, &calls, sizeof(calls));
      return XDP_PASS;
    case 'f':
      *reinterpret_cast<volatile int*>(8) = 1;
      return XDP_PASS;
    case 'o':
      return recurse(0);
    default:
      return no_order;
  }
}
