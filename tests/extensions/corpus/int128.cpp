// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

CORPUS {
  __extension__ typedef unsigned __int128 u128;
  __extension__ typedef __int128 s128;
  uint64_t hash = 1;
  u128 product = 1;
  for (size_t i = 0; i + 16 <= size; i += 3) {
    u128 value;
    memcpy(&value, input + i, 16);
    product = product * (value | 1) + i;
    const u128 quotient = product / (value % 1000007 + 1);
    const s128 remainder = static_cast<s128>(value) % (static_cast<s128>(i) - 1000);
    hash = fold(hash, static_cast<uint64_t>(quotient) ^ static_cast<uint64_t>(quotient >> 64));
    hash = fold(hash, static_cast<uint64_t>(remainder));
    hash = fold(hash, static_cast<uint64_t>(product >> (i % 128)) + static_cast<uint64_t>(value << (i % 64) >> 64));
    hash = fold(hash, static_cast<uint64_t>(static_cast<double>(value >> 70)) + (value < product));
  }
  return hash;
}
