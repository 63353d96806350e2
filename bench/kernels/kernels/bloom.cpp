// SPDX-License-Identifier: Apache-2.0
// A Bloom filter of 64 KiB with four hashes: insert some, ask for many.
#include "kernel.h"

namespace {
constexpr uint32_t kWords = 8192;
uint64_t words[kWords];

uint64_t mix(uint64_t key) {
  key = (key ^ key >> 33) * 0xff51afd7ed558ccd;
  return (key ^ key >> 33) * 0xc4ceb9fe1a85ec53;
}
void add(uint64_t key) {
  const uint64_t h = mix(key), step = h >> 32 | 1;
  for (uint64_t i = 0, bit = h; i < 4; ++i, bit += step) words[bit / 64 % kWords] |= uint64_t{1} << bit % 64;
}
bool has(uint64_t key) {
  const uint64_t h = mix(key), step = h >> 32 | 1;
  for (uint64_t i = 0, bit = h; i < 4; ++i, bit += step)
    if ((words[bit / 64 % kWords] >> bit % 64 & 1) == 0) return false;
  return true;
}
}  // namespace

KERNEL(bloom) {
  for (uint64_t& word : words) word = 0;
  uint64_t found = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (uint64_t i = 0; i < 32; ++i) add(round * 1000 + i);
    for (uint64_t i = 0; i < 1000; ++i) found += has(round * 500 + i) ? 1 : 0;
    if (round % 512 == 511)
      for (uint64_t& word : words) word = 0;
  }
  return found;
}
