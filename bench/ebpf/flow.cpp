// SPDX-License-Identifier: Apache-2.0
// The comparison's entries: the flows are in an unordered_map, filled as the packets come.
#include "flow.h"

#include <vbpf/xdp.h>

#include <unordered_map>

namespace {

struct Hash {
  size_t operator()(const flow& key) const {
    uint64_t hash = (uint64_t{key.source} << 32 | key.target) * 0x9e3779b97f4a7c15;
    hash ^= (uint64_t{key.source_port} << 48 | uint64_t{key.target_port} << 32 | key.protocol) * 0xc2b2ae3d27d4eb4f;
    return (hash ^ hash >> 32) * 0x9e3779b97f4a7c15 >> 32;
  }
};
struct Equal {
  bool operator()(const flow& a, const flow& b) const {
    return a.source == b.source && a.target == b.target && a.source_port == b.source_port &&
           a.target_port == b.target_port && a.protocol == b.protocol;
  }
};
std::unordered_map<flow, uint64_t, Hash, Equal> packets(2 * FLOWS);

}  // namespace

VBPF_XDP_ENTRY(nothing)(vbpf_xdp*) { return XDP_PASS; }

VBPF_XDP_ENTRY(parse)(vbpf_xdp* ctx) {
  flow flow;
  if (!read_flow(ctx->data, ctx->data_end, &flow)) return XDP_DROP;
  return flow.target == 0 ? XDP_DROP : XDP_PASS;
}

VBPF_XDP_ENTRY(learn)(vbpf_xdp* ctx) {
  flow flow;
  if (!read_flow(ctx->data, ctx->data_end, &flow)) return XDP_DROP;
  packets[flow] = 0;
  return XDP_PASS;
}

VBPF_XDP_ENTRY(lookup)(vbpf_xdp* ctx) {
  flow flow;
  if (!read_flow(ctx->data, ctx->data_end, &flow)) return XDP_DROP;
  const auto found = packets.find(flow);
  if (found == packets.end()) return XDP_DROP;
  ++found->second;
  return XDP_PASS;
}
