// SPDX-License-Identifier: Apache-2.0
// The programs the rewriter is tested with: each gives a number for a seed, the same natively and rewritten.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef VBPF_NATIVE_PROGRAM
#define PROGRAM(name) extern "C" uint64_t program_##name(uint64_t seed)
#else
#define PROGRAM(name) extern "C" __attribute__((section("plugin/" #name))) uint64_t program_##name(uint64_t seed)
#endif

namespace program {

// A small random number generator and a hash to fold results with.
struct Random {
  uint64_t state;
  explicit Random(uint64_t seed) : state(seed * 0x9e3779b97f4a7c15 + 0x1234567) {}
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(next() >> 33) % limit; }
};

inline uint64_t fold(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x100000001b3;
  return hash ^ (hash >> 29);
}

// Hides from the optimiser what a value is.
template <typename T>
inline T opaque(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

}  // namespace program
