// SPDX-License-Identifier: Apache-2.0
// Division and conversion of 128-bit integers, which the compiler calls by these names.
#include <stdint.h>

namespace {

using U128 = unsigned __int128;
using S128 = __int128;

unsigned leading_zeros(U128 value) {
  auto high = static_cast<uint64_t>(value >> 64);
  return static_cast<unsigned>(high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(static_cast<uint64_t>(value)));
}

struct Division {
  U128 quotient, remainder;
};

// Shift and subtract, beginning where the divisor's highest bit meets the dividend's.
Division divide(U128 dividend, U128 divisor) {
  if (divisor == 0) __builtin_trap();
  if (dividend < divisor) return {0, dividend};
  if ((dividend >> 64) == 0) {
    auto a = static_cast<uint64_t>(dividend), b = static_cast<uint64_t>(divisor);
    return {a / b, a % b};
  }
  unsigned shift = leading_zeros(divisor) - leading_zeros(dividend);
  U128 quotient = 0;
  divisor <<= shift;
  for (unsigned i = 0; i <= shift; ++i, divisor >>= 1) {
    quotient <<= 1;
    if (dividend < divisor) continue;
    dividend -= divisor;
    quotient |= 1;
  }
  return {quotient, dividend};
}

U128 magnitude(S128 value) { return value < 0 ? 0 - static_cast<U128>(value) : static_cast<U128>(value); }

constexpr double two_64 = 18446744073709551616.0;

}  // namespace

extern "C" {

U128 __udivti3(U128 a, U128 b) { return divide(a, b).quotient; }
U128 __umodti3(U128 a, U128 b) { return divide(a, b).remainder; }

S128 __divti3(S128 a, S128 b) {
  U128 quotient = divide(magnitude(a), magnitude(b)).quotient;
  return static_cast<S128>((a < 0) != (b < 0) ? 0 - quotient : quotient);
}

S128 __modti3(S128 a, S128 b) {
  U128 remainder = divide(magnitude(a), magnitude(b)).remainder;
  return static_cast<S128>(a < 0 ? 0 - remainder : remainder);
}

double __floatuntidf(U128 value) {
  return static_cast<double>(static_cast<uint64_t>(value >> 64)) * two_64 +
         static_cast<double>(static_cast<uint64_t>(value));
}
double __floattidf(S128 value) {
  return value < 0 ? -__floatuntidf(magnitude(value)) : __floatuntidf(magnitude(value));
}
float __floatuntisf(U128 value) { return static_cast<float>(__floatuntidf(value)); }
float __floattisf(S128 value) { return static_cast<float>(__floattidf(value)); }

U128 __fixunsdfti(double value) {
  if (!(value >= 1)) return 0;
  if (value < two_64) return static_cast<uint64_t>(value);
  auto high = static_cast<uint64_t>(value / two_64);
  return (static_cast<U128>(high) << 64) + static_cast<uint64_t>(value - static_cast<double>(high) * two_64);
}
S128 __fixdfti(double value) {
  return value < 0 ? static_cast<S128>(0 - __fixunsdfti(-value)) : static_cast<S128>(__fixunsdfti(value));
}

// Bit counts, where the instruction set asked for has none.
int __popcountdi2(uint64_t value) {
  value -= (value >> 1) & 0x5555555555555555;
  value = (value & 0x3333333333333333) + ((value >> 2) & 0x3333333333333333);
  value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<int>((value * 0x0101010101010101) >> 56);
}

}  // extern "C"
