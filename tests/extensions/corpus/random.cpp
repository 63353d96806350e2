// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "corpus.h"

// Only engines: what the distributions give is the library's own choice.
CORPUS {
  const uint32_t seed = static_cast<uint32_t>(size * 256 + input[0]);
  std::mt19937 twister(seed);
  std::mt19937_64 twister64(seed);
  std::minstd_rand linear(seed);
  std::ranlux24_base subtract(seed);
  std::knuth_b shuffled(seed);
  std::seed_seq sequence(input, input + size % 17);
  std::mt19937 seeded(sequence);
  uint64_t hash = 1;
  for (int i = 0; i < 700; ++i) {
    hash = fold(hash, twister() + twister64() + linear() + subtract() + shuffled() + seeded());
  }
  twister.discard(1000);
  return fold(hash, twister());
}
