// SPDX-License-Identifier: Apache-2.0
// A flow table: open addressing, 5-tuple keys, 32 K slots of 32 bytes, half full.
#include "kernel.h"

namespace {
struct Flow {
  uint32_t source, target;
  uint32_t ports;
  uint32_t protocol;
  uint64_t packets, bytes;
};
constexpr uint32_t kSlots = 32768, kFlows = kSlots / 2, kQueries = 4096;
Flow table[kSlots];
Flow queries[kQueries];
bool ready;

uint32_t hash(const Flow& key) {
  uint64_t h = (uint64_t{key.source} << 32 | key.target) * 0x9e3779b97f4a7c15;
  h ^= (uint64_t{key.ports} << 8 | key.protocol) * 0xc2b2ae3d27d4eb4f;
  h *= 0x9e3779b97f4a7c15;
  return static_cast<uint32_t>(h >> 32);
}
bool same(const Flow& a, const Flow& b) {
  return a.source == b.source && a.target == b.target && a.ports == b.ports && a.protocol == b.protocol;
}
Flow* find(const Flow& key) {
  for (uint32_t slot = hash(key);; ++slot) {
    Flow& flow = table[slot % kSlots];
    if (flow.protocol == 0 || same(flow, key)) return &flow;
  }
}
void set_up() {
  kernel::Random random;
  for (uint32_t i = 0; i < kFlows; ++i) {
    const Flow flow{
        static_cast<uint32_t>(random.next()), random.below(1000), static_cast<uint32_t>(random.next()), 6, 0, 0};
    *find(flow) = flow;
    if (i < kQueries) queries[i] = flow;
    if (i < kQueries && i % 8 == 0) queries[i].ports ^= 1;  // not there
  }
  ready = true;
}
}  // namespace

KERNEL(hash_lookup) {
  if (!ready) set_up();
  uint64_t found = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (const Flow& query : queries) {
      Flow* flow = find(query);
      if (flow->protocol == 0) continue;
      ++flow->packets;
      flow->bytes += query.source & 1023;
      found += flow->packets;
    }
  }
  return found;
}
