// SPDX-License-Identifier: Apache-2.0
// IEEE 754 single and double precision in general registers: to nearest, ties to even, with subnormals. Everything is
// on the bits of a number, so the same code can be compared with the CPU's own arithmetic
// (tests/compiler/soft_float_test.cpp): also which NaN comes out is as SSE has it.
#pragma once

#include <stdint.h>

namespace vbpf::rt {

template <typename B, int mantissa, int exponent>
struct Format {
  using Bits = B;
  static constexpr int mantissa_bits = mantissa;
  static constexpr int max_biased = (1 << exponent) - 1;  // infinity and NaN
  static constexpr int bias = max_biased / 2;
  static constexpr Bits sign = Bits{1} << (mantissa + exponent);
  static constexpr Bits infinity = Bits{max_biased} << mantissa;
  static constexpr Bits quiet = Bits{1} << (mantissa - 1);
  static constexpr Bits default_nan = sign | infinity | quiet;
};
using Single = Format<uint32_t, 23, 8>;
using Double = Format<uint64_t, 52, 11>;

template <typename F>
bool is_nan(typename F::Bits x) {
  return (x & ~F::sign) > F::infinity;
}

// Of two operands at least one of which is a NaN: the first NaN, made quiet.
template <typename F>
typename F::Bits propagate(typename F::Bits a, typename F::Bits b) {
  return (is_nan<F>(a) ? a : b) | F::quiet;
}

// A finite number other than 0: significand / 2^63 * 2^exponent, its top bit set.
struct Number {
  uint64_t significand;
  int exponent;
};

// What is shifted out is kept as a lowest bit that says "and a little more".
inline uint64_t shift_right(uint64_t value, int count) {
  if (count == 0) return value;
  if (count > 63) return value != 0;
  return value >> count | ((value << (64 - count)) != 0);
}

template <typename F>
Number unpack(typename F::Bits x) {
  uint64_t significand = x & (F::quiet * 2 - 1);
  int biased = static_cast<int>((x & ~F::sign) >> F::mantissa_bits);
  if (biased == 0) {
    biased = 1;
  } else {
    significand |= uint64_t{1} << F::mantissa_bits;
  }
  int zeros = __builtin_clzll(significand);
  return {significand << zeros, biased - F::bias + (63 - F::mantissa_bits) - zeros};
}

// The number nearest to significand / 2^63 * 2^exponent, whose lowest bit may stand for more; `sign` is F::sign or 0.
template <typename F>
typename F::Bits pack(typename F::Bits sign, Number number) {
  constexpr int spare = 63 - F::mantissa_bits;
  constexpr uint64_t half = uint64_t{1} << (spare - 1);
  int biased = number.exponent + F::bias;
  if (biased >= F::max_biased) return sign | F::infinity;
  uint64_t significand = number.significand;
  if (biased <= 0) significand = shift_right(significand, 1 - biased);
  uint64_t rest = significand & (half * 2 - 1);
  significand >>= spare;
  if (rest > half || (rest == half && (significand & 1))) ++significand;
  // The implicit bit, and a carry out of rounding, add to the exponent as they should.
  uint64_t below = biased <= 0 ? 0 : static_cast<uint64_t>(biased - 1) << F::mantissa_bits;
  return sign | static_cast<typename F::Bits>(below + significand);
}

template <typename F>
typename F::Bits add(typename F::Bits a, typename F::Bits b) {
  using Bits = typename F::Bits;
  if (is_nan<F>(a) || is_nan<F>(b)) return propagate<F>(a, b);
  Bits size_a = a & ~F::sign, size_b = b & ~F::sign;
  if (size_a == F::infinity) return size_b == F::infinity && a != b ? F::default_nan : a;
  if (size_b == F::infinity) return b;
  if (size_b == 0) return size_a == 0 ? a & b : a;
  if (size_a == 0) return b;
  if (size_a < size_b) {
    Bits other = a;
    a = b;
    b = other;
  }
  Number larger = unpack<F>(a), smaller = unpack<F>(b);
  uint64_t x = larger.significand >> 1;  // exact: a significand has many zeros at its end
  uint64_t y = shift_right(smaller.significand >> 1, larger.exponent - smaller.exponent);
  int exponent = larger.exponent + 1;
  uint64_t sum = (a ^ b) & F::sign ? x - y : x + y;
  if (sum == 0) return 0;
  int zeros = __builtin_clzll(sum);
  return pack<F>(a & F::sign, {sum << zeros, exponent - zeros});
}

template <typename F>
typename F::Bits subtract(typename F::Bits a, typename F::Bits b) {
  return add<F>(a, is_nan<F>(b) ? b : b ^ F::sign);
}

template <typename F>
typename F::Bits multiply(typename F::Bits a, typename F::Bits b) {
  using Bits = typename F::Bits;
  if (is_nan<F>(a) || is_nan<F>(b)) return propagate<F>(a, b);
  Bits sign = (a ^ b) & F::sign, size_a = a & ~F::sign, size_b = b & ~F::sign;
  if (size_a == F::infinity || size_b == F::infinity)
    return size_a == 0 || size_b == 0 ? F::default_nan : sign | F::infinity;
  if (size_a == 0 || size_b == 0) return sign;
  Number x = unpack<F>(a), y = unpack<F>(b);
  unsigned __int128 product = static_cast<unsigned __int128>(x.significand) * y.significand;
  uint64_t high = static_cast<uint64_t>(product >> 64) | (static_cast<uint64_t>(product) != 0);
  int exponent = x.exponent + y.exponent + 1;
  int zeros = high >> 63 ? 0 : 1;
  return pack<F>(sign, {high << zeros, exponent - zeros});
}

template <typename F>
typename F::Bits divide(typename F::Bits a, typename F::Bits b) {
  using Bits = typename F::Bits;
  if (is_nan<F>(a) || is_nan<F>(b)) return propagate<F>(a, b);
  Bits sign = (a ^ b) & F::sign, size_a = a & ~F::sign, size_b = b & ~F::sign;
  if (size_a == F::infinity) return size_b == F::infinity ? F::default_nan : sign | F::infinity;
  if (size_b == F::infinity) return sign;
  if (size_b == 0) return size_a == 0 ? F::default_nan : sign | F::infinity;
  if (size_a == 0) return sign;
  Number x = unpack<F>(a), y = unpack<F>(b);
  // 128 bits by 64; the upper half of the dividend is below the divisor, so the quotient fits.
  uint64_t quotient, remainder;
  __asm__("divq %4"
          : "=a"(quotient), "=d"(remainder)
          : "0"(x.significand << 63), "1"(x.significand >> 1), "r"(y.significand)
          : "cc");
  int exponent = x.exponent - y.exponent;
  int zeros = quotient >> 63 ? 0 : 1;
  quotient = quotient << zeros | (remainder != 0);
  return pack<F>(sign, {quotient, exponent - zeros});
}

// Two bits of the number give one of the root.
template <typename F>
typename F::Bits square_root(typename F::Bits x) {
  if (is_nan<F>(x)) return x | F::quiet;
  if ((x & ~F::sign) == 0 || x == F::infinity) return x;
  if (x & F::sign) return F::default_nan;
  Number number = unpack<F>(x);
  bool odd = number.exponent & 1;
  uint64_t left = odd ? number.significand : number.significand >> 1, root = 0, rest = 0;
  constexpr int digits = F::mantissa_bits + 3;
  for (int i = 0; i < digits; ++i) {
    rest = rest << 2 | left >> 62;
    left <<= 2;
    uint64_t trial = root << 2 | 1;
    root <<= 1;
    if (rest < trial) continue;
    rest -= trial;
    root |= 1;
  }
  uint64_t significand = root << (64 - digits) | ((rest | left) != 0);
  return pack<F>(0, {significand, (number.exponent - odd) / 2});
}

enum Order { less = -1, equal = 0, greater = 1, unordered = 2 };

template <typename F>
Order compare(typename F::Bits a, typename F::Bits b) {
  if (is_nan<F>(a) || is_nan<F>(b)) return unordered;
  if (((a | b) & ~F::sign) == 0 || a == b) return equal;
  if ((a ^ b) & F::sign) return a & F::sign ? less : greater;
  return (a < b) != ((a & F::sign) != 0) ? less : greater;
}

}  // namespace vbpf::rt
