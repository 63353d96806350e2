// SPDX-License-Identifier: Apache-2.0
// Drops connections that carry one of a list of patterns, also when segments of TCP cut the pattern in pieces.
#include <vbpf/xdp.h>

#include <vbpf/vbpf.hpp>

#include "aho_corasick.h"
#include "flow.h"
#include "lru_map.h"
#include "patterns.h"

// Nothing is changed in a packet: in the kernel it need not be copied back.
VBPF_MANIFEST(.packet = VBPF_PACKET_READ_ONLY);

namespace {

using l7_filter::patterns;
const l7_filter::AhoCorasick automaton(patterns);  // built when the extension is loaded

// One direction of a connection.
struct Stream {
  uint32_t expected = 0;  // the sequence number that continues what was searched
  l7_filter::AhoCorasick::State state = l7_filter::AhoCorasick::start;
  uint64_t blocked_until = 0;  // nanoseconds
};
LruMap<l7_filter::Flow, Stream, l7_filter::FlowHash> streams(65536, {vbpf::random()});

constexpr uint64_t block_time = 60'000'000'000;

// A match blocks the stream for a while: TCP sends the segment again, and must not get it through in other pieces.
bool blocks(Stream& stream, const net::Packet& packet) {
  const auto length = static_cast<uint32_t>(packet.payload.size());
  if (stream.blocked_until != 0 && vbpf::time_ns() < stream.blocked_until) return true;
  if (length == 0) return false;
  if (packet.tcp->sequence != stream.expected) stream.state = l7_filter::AhoCorasick::start;
  const size_t pattern = automaton.search(stream.state, packet.payload);
  stream.expected = packet.tcp->sequence + length;
  if (pattern == automaton.none) return false;
  stream.blocked_until = vbpf::time_ns() + block_time;
  vbpf::log("l7_filter: '{}' in a TCP connection to port {}", patterns[pattern], uint16_t{packet.tcp->destination});
  return true;
}

bool blocks(const net::Packet& packet) {
  auto state = l7_filter::AhoCorasick::start;
  const size_t pattern = automaton.search(state, packet.payload);
  if (pattern != automaton.none)
    vbpf::log("l7_filter: '{}' in a packet of protocol {}", patterns[pattern], packet.protocol);
  return pattern != automaton.none;
}

}  // namespace

VBPF_XDP_ENTRY(l7_filter_xdp)(struct vbpf_xdp* ctx) {
  const auto packet = net::parse(vbpf::packet(ctx));
  if (!packet) return XDP_DROP;
  if (!packet->ipv4 && !packet->ipv6) return XDP_PASS;
  if (!packet->tcp) return blocks(*packet) ? XDP_DROP : XDP_PASS;

  const l7_filter::Flow flow = l7_filter::flow_of(*packet);
  Stream* stream = streams.find(flow);
  if (!stream) stream = &streams.insert(flow, {});
  return blocks(*stream, *packet) ? XDP_DROP : XDP_PASS;
}
