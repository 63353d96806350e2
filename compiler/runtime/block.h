// SPDX-License-Identifier: Apache-2.0
// 16 bytes at a time: a vector register, or two general ones where there are none (the kernel variant).
#pragma once

#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace vbpf::rt {

template <typename T>
inline T load(const void* from) {
  T value;
  __builtin_memcpy_inline(&value, from, sizeof(T));
  return value;
}
template <typename T>
inline void store(void* to, T value) {
  __builtin_memcpy_inline(to, &value, sizeof(T));
}

#ifdef __SSE2__

using Block = __m128i;

inline Block filled_with(unsigned char value) { return _mm_set1_epi8(static_cast<char>(value)); }
// Bit i: byte i is the same in both.
inline unsigned equal_bytes(Block a, Block b) { return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b))); }

#else

struct Block {
  uint64_t low, high;
};

inline Block filled_with(unsigned char value) {
  uint64_t word = 0x0101010101010101u * value;
  return {word, word};
}
// The top bit of each byte that is 0, then gathered: the products of different bytes meet in no bit.
inline unsigned zero_bytes(uint64_t word) {
  constexpr uint64_t low_bits = 0x7f7f7f7f7f7f7f7fu;
  uint64_t zeros = ~(((word & low_bits) + low_bits) | word | low_bits);
  return static_cast<unsigned>((zeros >> 7) * 0x0102040810204080u >> 56);
}
inline unsigned equal_bytes(Block a, Block b) { return zero_bytes(a.low ^ b.low) | zero_bytes(a.high ^ b.high) << 8; }

#endif

}  // namespace vbpf::rt
