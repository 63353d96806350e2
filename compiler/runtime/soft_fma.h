// SPDX-License-Identifier: Apache-2.0
// A product and a sum, rounded once.
#pragma once

#include "soft_convert.h"

namespace vbpf::rt {

inline U128 shift_right(U128 value, int count) {
  if (count == 0) return value;
  if (count > 127) return value != 0;
  return value >> count | ((value << (128 - count)) != 0);
}

// a * b + c, all three finite and not 0.
template <typename F>
typename F::Bits fuse_finite(typename F::Bits a, typename F::Bits b, typename F::Bits c) {
  typename F::Bits sign = (a ^ b) & F::sign;
  Number x = unpack<F>(a), y = unpack<F>(b), z = unpack<F>(c);
  // Top bits at 126, so that a sum has room; both end in zeros, so that nothing is lost.
  U128 product = static_cast<U128>(x.significand) * y.significand;
  int zeros = leading_zeros(product), exponent = x.exponent + y.exponent + 1 - zeros;
  product = product << zeros >> 1;
  U128 addend = static_cast<U128>(z.significand) << 63;
  bool addend_larger = z.exponent > exponent || (z.exponent == exponent && addend > product);
  U128& smaller = addend_larger ? product : addend;
  smaller = shift_right(smaller, addend_larger ? z.exponent - exponent : exponent - z.exponent);
  U128 larger = addend_larger ? addend : product;
  exponent = (addend_larger ? z.exponent : exponent) + 1;
  U128 sum = sign == (c & F::sign) ? larger + smaller : larger - smaller;
  if (sum == 0) return 0;
  zeros = leading_zeros(sum);
  sum <<= zeros;
  auto significand = static_cast<uint64_t>(sum >> 64) | (static_cast<uint64_t>(sum) != 0);
  return pack<F>(addend_larger ? c & F::sign : sign, {significand, exponent - zeros});
}

template <typename F>
typename F::Bits fuse(typename F::Bits a, typename F::Bits b, typename F::Bits c) {
  auto special = [](typename F::Bits x) { return (x & ~F::sign) == 0 || (x & ~F::sign) >= F::infinity; };
  // With a 0, an infinity or a NaN among them, the product is exact.
  if (special(a) || special(b)) return add<F>(multiply<F>(a, b), c);
  if ((c & ~F::sign) >= F::infinity) return is_nan<F>(c) ? c | F::quiet : c;
  return (c & ~F::sign) == 0 ? multiply<F>(a, b) : fuse_finite<F>(a, b, c);
}

}  // namespace vbpf::rt
