// SPDX-License-Identifier: Apache-2.0
// Lets everything pass, but misbehaves when a UDP packet to a trigger port asks for it. For seeing what happens then.
#include <vbpf/xdp.h>

#include <cstdlib>

#include "packet.h"

namespace {

volatile int* volatile nowhere = nullptr;
volatile bool forever = true;

void dereference_null() { *nowhere = 1; }

void loop() {
  while (forever) {
  }
}

int exhaust_stack(int depth) {
  volatile char frame[256];
  frame[0] = static_cast<char>(depth);
  return forever ? exhaust_stack(depth + 1) + frame[0] : 0;
}

}  // namespace

VBPF_XDP_ENTRY(crash)(struct vbpf_xdp* ctx) {
  const auto packet = net::parse(vbpf::packet(ctx));
  if (!packet || !packet->udp) return XDP_PASS;
  switch (packet->udp->destination) {
    case 666:
      dereference_null();
      break;
    case 667:
      loop();
      break;
    case 668:
      exhaust_stack(0);
      break;
    case 669:
      std::abort();
  }
  return XDP_PASS;
}
