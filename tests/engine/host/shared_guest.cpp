// SPDX-License-Identifier: Apache-2.0
// Two threads in one instance: one calls functions, the other writes over its stack.
#include <vbpf/plugin.h>
#include <vbpf/vbpf.h>

VBPF_MANIFEST(.concurrency = VBPF_CONCURRENCY_SHARED);

static volatile uint64_t target;
static volatile bool ended;

static __attribute__((noinline)) uint64_t deep(uint64_t depth) {
  volatile uint64_t frame = depth;
  if (depth == 0) return frame;
  return deep(depth - 1) + frame;
}

VBPF_PLUGIN_ENTRY uint64_t victim(uint64_t rounds) {
  volatile uint64_t here = 0;
  target = reinterpret_cast<uint64_t>(&here);
  uint64_t sum = 0;
  for (uint64_t i = 0; i < rounds; ++i) sum += deep(20);
  return sum;
}

// Addresses of every kind: of the host, of the trampolines, of functions, of nothing.
VBPF_PLUGIN_ENTRY uint64_t attacker(uint64_t rounds, uint64_t host) {
  const uint64_t thunks = (reinterpret_cast<uint64_t>(&deep) & ~0xffffffffull) + VBPF_OFF_THUNKS;
  uint64_t state = 1;
  for (uint64_t i = 0; i < rounds; ++i) {
    if (target == 0) continue;
    state = state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t kind = state >> 62, offset = (state >> 32) & 0x3ff;
    const uint64_t value = kind == 0   ? host + (offset & 0xff)
                           : kind == 1 ? thunks + offset
                           : kind == 2 ? reinterpret_cast<uint64_t>(&deep) + (offset & 0x7f)
                                       : state;
    *reinterpret_cast<volatile uint64_t*>(target - 8 * ((state >> 40) & 0xff)) = value;
  }
  return 0;
}
