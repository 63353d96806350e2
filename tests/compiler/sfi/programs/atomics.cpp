// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "program.h"

namespace program {
namespace {
struct Counters {
  std::atomic<uint8_t> b{0};
  std::atomic<uint16_t> w{0};
  std::atomic<uint32_t> l{0};
  std::atomic<uint64_t> q{0};
  std::atomic<bool> flag{false};
};
std::atomic<uint64_t> bitmap[4];

// Clang makes `lock bts` with a register of these.
__attribute__((noinline)) bool test_and_set(std::atomic<uint64_t>& word, unsigned bit) {
  const uint64_t mask = uint64_t{1} << (bit & 63);
  return (word.fetch_or(mask) & mask) != 0;
}
__attribute__((noinline)) bool test_and_clear(std::atomic<uint32_t>& word, unsigned bit) {
  const uint32_t mask = uint32_t{1} << (bit & 31);
  return (word.fetch_and(~mask) & mask) != 0;
}
__attribute__((noinline)) bool test_and_flip(std::atomic<uint16_t>& word, unsigned bit) {
  const uint16_t mask = static_cast<uint16_t>(1u << (bit & 15));
  return (word.fetch_xor(mask) & mask) != 0;
}
__attribute__((noinline)) uint64_t maximum(std::atomic<uint64_t>& word, uint64_t value) {
  uint64_t seen = word.load(std::memory_order_relaxed);
  while (seen < value && !word.compare_exchange_weak(seen, value)) {
  }
  return seen;
}
}  // namespace
}  // namespace program

PROGRAM(atomics) {
  using namespace program;
  Random random(seed);
  Counters counters;
  uint64_t hash = seed;
  for (std::atomic<uint64_t>& word : bitmap) word.store(0);
  for (int i = 0; i < 400; ++i) {
    const uint64_t value = random.next();
    hash = fold(hash, counters.b.fetch_add(static_cast<uint8_t>(value)));
    hash = fold(hash, counters.w.exchange(static_cast<uint16_t>(value)));
    hash = fold(hash, counters.l.fetch_sub(static_cast<uint32_t>(value)));
    hash = fold(hash, maximum(counters.q, value));
    hash = fold(hash, counters.flag.exchange((value & 1) != 0));
    hash = fold(hash, test_and_set(bitmap[value & 3], random.below(64)));
    hash = fold(hash, test_and_clear(counters.l, random.below(32)));
    hash = fold(hash, test_and_flip(counters.w, random.below(16)));
    std::atomic_thread_fence(std::memory_order_seq_cst);
    uint8_t expected = static_cast<uint8_t>(value);
    hash = fold(hash, counters.b.compare_exchange_strong(expected, 9) + expected);
    if ((++counters.q & 7) == 0) counters.q |= 8;
  }
  for (std::atomic<uint64_t>& word : bitmap) hash = fold(hash, word.load());
  return hash;
}
