// SPDX-License-Identifier: Apache-2.0
// The load balancer at the XDP hook.
#include <vbpf/xdp.h>

#include <vbpf/vbpf.hpp>

#include "balancer.h"

// An answer may come in on another queue than the question: one instance, entered by one queue at a time.
VBPF_MANIFEST(.concurrency = VBPF_CONCURRENCY_SERIAL);

namespace {

using load_balancer::Balancer;

constexpr uint32_t ipv4(uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return a << 24 | b << 16 | c << 8 | d; }

constexpr load_balancer::Service service{ipv4(192, 0, 2, 80), 8080};

// Built when the extension is loaded, with the table of 65,537 slots.
Balancer balancer(service,
                  {
                      {ipv4(10, 77, 1, 11), {0x02, 0, 0, 0, 0x01, 0x11}, 1},
                      {ipv4(10, 77, 1, 12), {0x02, 0, 0, 0, 0x01, 0x12}, 1},
                      {ipv4(10, 77, 1, 13), {0x02, 0, 0, 0, 0x01, 0x13}, 2},
                  },
                  vbpf::random());

}  // namespace

VBPF_XDP_ENTRY(load_balancer_xdp)(struct vbpf_xdp* ctx) {
  auto packet = net::parse(vbpf::packet(ctx));
  if (!packet) return XDP_DROP;
  switch (balancer.handle(*packet)) {
    case Balancer::Action::transmit:
      return XDP_TX;
    case Balancer::Action::drop:
      return XDP_DROP;
    case Balancer::Action::pass:
      return XDP_PASS;
  }
  return XDP_ABORTED;
}
