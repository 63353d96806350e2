// SPDX-License-Identifier: Apache-2.0
// Division and conversion of 128-bit integers, which the compiler calls by these names.
#include "soft_convert.h"

namespace {

using vbpf::rt::Double;
using vbpf::rt::leading_zeros;
using vbpf::rt::S128;
using vbpf::rt::Single;
using vbpf::rt::U128;

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
  int shift = leading_zeros(divisor) - leading_zeros(dividend);
  U128 quotient = 0;
  divisor <<= shift;
  for (int i = 0; i <= shift; ++i, divisor >>= 1) {
    quotient <<= 1;
    if (dividend < divisor) continue;
    dividend -= divisor;
    quotient |= 1;
  }
  return {quotient, dividend};
}

U128 magnitude(S128 value) { return value < 0 ? 0 - static_cast<U128>(value) : static_cast<U128>(value); }

double make_double(uint64_t bits) { return __builtin_bit_cast(double, bits); }
float make_single(uint32_t bits) { return __builtin_bit_cast(float, bits); }
uint64_t bits_of(double value) { return __builtin_bit_cast(uint64_t, value); }
uint32_t bits_of(float value) { return __builtin_bit_cast(uint32_t, value); }

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

double __floatuntidf(U128 value) { return make_double(vbpf::rt::from_unsigned<Double>(value)); }
double __floattidf(S128 value) { return make_double(vbpf::rt::from_signed<Double>(value)); }
float __floatuntisf(U128 value) { return make_single(vbpf::rt::from_unsigned<Single>(value)); }
float __floattisf(S128 value) { return make_single(vbpf::rt::from_signed<Single>(value)); }
U128 __fixunsdfti(double value) { return vbpf::rt::to_unsigned_128<Double>(bits_of(value)); }
S128 __fixdfti(double value) { return vbpf::rt::to_signed_128<Double>(bits_of(value)); }
U128 __fixunssfti(float value) { return vbpf::rt::to_unsigned_128<Single>(bits_of(value)); }
S128 __fixsfti(float value) { return vbpf::rt::to_signed_128<Single>(bits_of(value)); }

// Bit counts, where the instruction set asked for has none.
int __popcountdi2(uint64_t value) {
  value -= (value >> 1) & 0x5555555555555555;
  value = (value & 0x3333333333333333) + ((value >> 2) & 0x3333333333333333);
  value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0f;
  return static_cast<int>((value * 0x0101010101010101) >> 56);
}

}  // extern "C"
