// SPDX-License-Identifier: Apache-2.0
#include <atomic>

#include "corpus.h"

namespace {
std::atomic<uint64_t> total{1};
std::atomic<uint8_t> small;
std::atomic<bool> flag;
std::atomic_flag lock = ATOMIC_FLAG_INIT;
std::atomic<uint64_t*> pointer;
uint64_t cells[4];
}  // namespace

CORPUS {
  uint64_t hash = 1;
  for (size_t i = 0; i < size; ++i) {
    hash = fold(hash, total.fetch_add(input[i]));
    total.fetch_xor(i);
    total.fetch_or(input[i] & 3u);
    small.fetch_sub(input[i], std::memory_order_relaxed);
    uint64_t expected = total.load() - (i & 1);
    hash = fold(hash, total.compare_exchange_strong(expected, expected + 5) + expected);
    pointer.store(&cells[i % 4], std::memory_order_release);
    *pointer.load(std::memory_order_acquire) += i;
    while (lock.test_and_set(std::memory_order_acquire)) {
    }
    lock.clear(std::memory_order_release);
    hash = fold(hash, flag.exchange(input[i] & 1));
    uint32_t word = input[i];
    hash = fold(hash, std::atomic_ref(word).fetch_and(0x55) + word);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  return fold(hash, total + small + cells[1]);
}
