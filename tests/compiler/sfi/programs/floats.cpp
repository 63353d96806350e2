// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "program.h"

namespace program {
namespace {
uint64_t bits(double value) {
  uint64_t result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}
double table[64];  // written and read through memory

__attribute__((noinline)) double newton(double value) {
  double guess = value / 2 + 1;
  for (int i = 0; i < 30; ++i) guess = (guess + value / guess) / 2;
  return guess;
}
__attribute__((noinline)) uint64_t compare(double a, double b) {
  return (a < b ? 1u : 0u) + (a == b ? 2u : 0u) + (a != a ? 4u : 0u) + (b > a * 2 ? 8u : 0u);
}
__attribute__((noinline)) unsigned __int128 wide(uint64_t a, uint64_t b, unsigned shift) {
  return (static_cast<unsigned __int128>(a) * b) >> (shift & 63);
}
}  // namespace
}  // namespace program

PROGRAM(floats) {
#pragma clang fp contract(off)
  using namespace program;
  Random random(seed);
  uint64_t hash = seed;
  for (double& entry : table) entry = static_cast<double>(random.below(1000000)) / 64;
  for (int i = 0; i < 64; ++i) {
    hash = fold(hash, bits(newton(table[i])));
    hash = fold(hash, compare(table[i], table[(i * 7 + 1) & 63]));
    hash = fold(hash, static_cast<uint64_t>(table[i]) + static_cast<uint32_t>(static_cast<float>(table[i])));
    hash = fold(hash, bits(static_cast<double>(static_cast<int64_t>(random.next()) >> 20)));
    hash = fold(hash, bits(static_cast<double>(random.next())));
    const unsigned __int128 product = wide(random.next(), random.next(), static_cast<unsigned>(i));
    hash = fold(hash, static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product));
    hash = fold(hash, random.next() / (random.below(1000) + 1) + static_cast<uint64_t>(-5 % (i + 2)));
  }
  return hash;
}
