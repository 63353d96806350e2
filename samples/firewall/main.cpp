// SPDX-License-Identifier: Apache-2.0
// The firewall at the XDP hook.
#include <vbpf/xdp.h>

#include <bit>
#include <cstdlib>
#include <vbpf/vbpf.hpp>

#include "firewall.h"

// Nothing is changed in a packet: in the kernel it need not be copied back.
VBPF_MANIFEST(.packet = VBPF_PACKET_READ_ONLY);

namespace {

#ifndef FIREWALL_RULES
#define FIREWALL_RULES "default.rules"
#endif
constexpr std::string_view rules =
#include FIREWALL_RULES
    ;

// Runs when the extension is loaded: a mistake in the rules makes the load fail.
firewall::Firewall make_firewall() {
  firewall::ParsedRules parsed = firewall::parse_rules(rules);
  if (!parsed.error.empty()) {
    vbpf::log("firewall: rules, {}", parsed.error);
    std::abort();
  }
  const uint64_t seed = static_cast<uint64_t>(vbpf::random()) << 32 | vbpf::random();
  return {std::move(parsed.rules), seed};
}

firewall::Firewall wall = make_firewall();

void report(const net::Address& source, const firewall::Counters& counters, bool allowed) {
  if (counters.allowed + counters.denied == 1) {
    vbpf::log("firewall: new source {}, {}", net::to_string(source), allowed ? "allowed" : "denied");
  } else if (!allowed && std::has_single_bit(counters.denied)) {
    vbpf::log("firewall: {}: {} packets denied, {} allowed", net::to_string(source), counters.denied, counters.allowed);
  }
}

}  // namespace

VBPF_XDP_ENTRY(firewall_xdp)(struct vbpf_xdp* ctx) {
  const auto packet = net::parse(vbpf::packet(ctx));
  if (!packet) return XDP_DROP;
  if (!packet->ipv4 && !packet->ipv6) return XDP_PASS;  // ARP and the like
  const net::Address source = net::source_of(*packet);
  const bool allowed = wall.decide(*packet, source).allow;
  report(source, wall.count(source, allowed), allowed);
  return allowed ? XDP_PASS : XDP_DROP;
}
