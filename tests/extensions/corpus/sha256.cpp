// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#include <span>

#include "corpus.h"

namespace {
constexpr std::array<uint32_t, 64> constants = [] {
  // The first 32 bits of the fractional parts of the cube roots of the first 64 primes, found by integer search.
  std::array<uint32_t, 64> k{};
  unsigned prime = 1;
  for (uint32_t& value : k) {
    bool found = false;
    while (!found) {
      ++prime;
      found = true;
      for (unsigned d = 2; d * d <= prime; ++d) found = found && prime % d != 0;
    }
    __extension__ typedef unsigned __int128 u128;
    uint64_t low = 0, high = uint64_t{8} << 32;
    while (high - low > 1) {
      const uint64_t middle = low + (high - low) / 2;
      const u128 square = static_cast<u128>(middle) * middle;
      // middle^3 <= prime * 2^96, without overflow: compare square with prime * 2^96 / middle.
      square <= (static_cast<u128>(prime) << 96) / middle ? low = middle : high = middle;
    }
    value = static_cast<uint32_t>(low);
  }
  return k;
}();
static_assert(constants[0] == 0x428a2f98 && constants[63] == 0xc67178f2);

void compress(std::array<uint32_t, 8>& state, const uint8_t* block) {
  uint32_t w[64];
  for (int i = 0; i < 16; ++i) {
    w[i] =
        static_cast<uint32_t>(block[i * 4] << 24 | block[i * 4 + 1] << 16 | block[i * 4 + 2] << 8 | block[i * 4 + 3]);
  }
  for (int i = 16; i < 64; ++i) {
    const uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
    const uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    const uint32_t t1 =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
    const uint32_t t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const uint32_t added[] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += added[i];
}

std::array<uint32_t, 8> sha256(std::span<const uint8_t> text) {
  std::array<uint32_t, 8> state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const uint64_t bits = text.size() * 8;
  for (; text.size() >= 64; text = text.subspan(64)) compress(state, text.data());
  uint8_t last[128] = {};
  memcpy(last, text.data(), text.size());
  last[text.size()] = 0x80;
  const size_t blocks = text.size() < 56 ? 1 : 2;
  for (size_t i = 0; i < 8; ++i) last[blocks * 64 - 1 - i] = static_cast<uint8_t>(bits >> 8 * i);
  for (size_t i = 0; i < blocks; ++i) compress(state, last + i * 64);
  return state;
}
}  // namespace

CORPUS {
  const uint8_t abc[] = {'a', 'b', 'c'};
  if (sha256(abc)[0] != 0xba7816bf) return 0;
  uint64_t hash = 1;
  for (size_t length = 0; length <= size; length += 1 + length / 3) {
    for (uint32_t word : sha256({input, length})) hash = fold(hash, word);
  }
  return hash;
}
