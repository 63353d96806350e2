// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <bitset>

#include "corpus.h"

CORPUS {
  uint64_t hash = 1;
  std::bitset<300> bits;
  for (size_t i = 0; i + 8 <= size; ++i) {
    uint64_t value;
    memcpy(&value, input + i, 8);
    hash = fold(hash,
                static_cast<uint64_t>(std::popcount(value) + std::countl_zero(value) * 2 + std::countr_one(value) * 3));
    hash = fold(hash, std::rotl(value, static_cast<int>(i)) ^ std::bit_floor(value >> 1) ^ std::bit_ceil(value >> 2));
    hash = fold(hash, std::has_single_bit(value) + static_cast<uint64_t>(std::bit_width(static_cast<uint16_t>(value))));
    hash = fold(hash, __builtin_bswap64(value) ^ __builtin_bitreverse32(static_cast<uint32_t>(value)));
    hash = fold(hash, std::bit_cast<uint32_t>(static_cast<float>(value % 1000)));
    bits.flip(value % 300);
  }
  bits <<= 3;
  for (size_t i = 0; i < 300; ++i) hash = fold(hash, bits[i]);
  return fold(hash, bits.count());
}
