// SPDX-License-Identifier: Apache-2.0
// Conversions between single, double and integers in general registers. Integers that a number does not fit in are as
// SSE has them: the lowest; of 128 bits, the nearest.
#pragma once

#include "soft_float.h"

namespace vbpf::rt {

using U128 = unsigned __int128;
using S128 = __int128;

inline int leading_zeros(uint64_t value) { return __builtin_clzll(value); }
inline int leading_zeros(U128 value) {
  auto high = static_cast<uint64_t>(value >> 64);
  return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(static_cast<uint64_t>(value));
}

template <typename F>
typename F::Bits from_unsigned(uint64_t value, typename F::Bits sign = 0) {
  if (value == 0) return 0;
  int zeros = leading_zeros(value);
  return pack<F>(sign, {value << zeros, 63 - zeros});
}
template <typename F>
typename F::Bits from_unsigned(U128 value, typename F::Bits sign = 0) {
  if (value == 0) return 0;
  int zeros = leading_zeros(value);
  value <<= zeros;
  uint64_t significand = static_cast<uint64_t>(value >> 64) | (static_cast<uint64_t>(value) != 0);
  return pack<F>(sign, {significand, 127 - zeros});
}
template <typename F>
typename F::Bits from_signed(int64_t value) {
  auto size = static_cast<uint64_t>(value);
  return value < 0 ? from_unsigned<F>(0 - size, F::sign) : from_unsigned<F>(size);
}
template <typename F>
typename F::Bits from_signed(S128 value) {
  auto size = static_cast<U128>(value);
  return value < 0 ? from_unsigned<F>(0 - size, F::sign) : from_unsigned<F>(size);
}

// The whole part of a number of that exponent, 0 <= exponent < 128.
template <typename F>
U128 whole_part(typename F::Bits x, int exponent) {
  U128 significand = (x & (F::quiet * 2 - 1)) | (F::quiet * 2);
  int shift = exponent - F::mantissa_bits;
  return shift >= 0 ? significand << shift : significand >> -shift;
}
// Of a NaN and infinity it is larger than that of any number.
template <typename F>
int exponent_of(typename F::Bits x) {
  return static_cast<int>((x & ~F::sign) >> F::mantissa_bits) - F::bias;
}

// Also for 32 bits, of which `bits` says.
template <typename F>
int64_t to_signed(typename F::Bits x, int bits = 64) {
  int exponent = exponent_of<F>(x);
  if (exponent < 0) return 0;
  if (exponent >= bits - 1) return static_cast<int64_t>(~uint64_t{0} << (bits - 1));
  auto size = static_cast<int64_t>(whole_part<F>(x, exponent));
  return x & F::sign ? -size : size;
}
template <typename F>
uint64_t to_unsigned(typename F::Bits x) {
  if (!(x & F::sign) && exponent_of<F>(x) == 63) return static_cast<uint64_t>(whole_part<F>(x, 63));
  return static_cast<uint64_t>(to_signed<F>(x));
}
template <typename F>
U128 to_unsigned_128(typename F::Bits x) {
  int exponent = exponent_of<F>(x);
  if (exponent < 0 || x & F::sign) return 0;
  return exponent >= 128 ? ~U128{0} : whole_part<F>(x, exponent);
}
template <typename F>
S128 to_signed_128(typename F::Bits x) {
  int exponent = exponent_of<F>(x);
  if (exponent < 0) return 0;
  constexpr U128 lowest = U128{1} << 127;
  if (exponent >= 127) return static_cast<S128>(x & F::sign ? lowest : lowest - 1);
  auto size = static_cast<S128>(whole_part<F>(x, exponent));
  return x & F::sign ? -size : size;
}

inline uint64_t extend(uint32_t x) {
  uint64_t sign = uint64_t{x & Single::sign} << 32;
  if (is_nan<Single>(x)) return sign | Double::infinity | Double::quiet | uint64_t{x & (Single::quiet * 2 - 1)} << 29;
  uint32_t size = x & ~Single::sign;
  if (size == Single::infinity) return sign | Double::infinity;
  return size == 0 ? sign : pack<Double>(sign, unpack<Single>(x));
}
inline uint32_t truncate(uint64_t x) {
  auto sign = static_cast<uint32_t>(x >> 32) & Single::sign;
  if (is_nan<Double>(x))
    return sign | Single::infinity | Single::quiet | (static_cast<uint32_t>(x >> 29) & (Single::quiet - 1));
  uint64_t size = x & ~Double::sign;
  if (size == Double::infinity) return sign | Single::infinity;
  return size == 0 ? sign : pack<Single>(sign, unpack<Double>(x));
}

}  // namespace vbpf::rt
