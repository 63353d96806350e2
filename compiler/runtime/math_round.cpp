// SPDX-License-Identifier: Apache-2.0
// <math.h>: rounding, remainders, square root, and what works on the bits of a number.
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#else
#include "soft_float.h"
#endif

namespace {

constexpr double exact = 4503599627370496.0;  // from 2^52 on every double is a whole number

double copy_sign(double magnitude, double sign) {
  uint64_t m = __builtin_bit_cast(uint64_t, magnitude), s = __builtin_bit_cast(uint64_t, sign);
  return __builtin_bit_cast(double, (m & ~(1ull << 63)) | (s & (1ull << 63)));
}
double magnitude_of(double x) { return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, x) & ~(1ull << 63)); }
bool whole(double x) { return !(magnitude_of(x) < exact); }  // NaN and infinity too

double truncate(double x) { return whole(x) ? x : copy_sign(static_cast<double>(static_cast<int64_t>(x)), x); }

}  // namespace

extern "C" {

double fabs(double x) { return magnitude_of(x); }
float fabsf(float x) { return static_cast<float>(magnitude_of(x)); }
double copysign(double x, double y) { return copy_sign(x, y); }
float copysignf(float x, float y) { return static_cast<float>(copy_sign(x, y)); }
double trunc(double x) { return truncate(x); }
double floor(double x) {
  double t = truncate(x);
  return t > x ? t - 1 : t;
}
double ceil(double x) {
  double t = truncate(x);
  return t < x ? copy_sign(t + 1, x) : t;
}
double round(double x) {
  double t = truncate(x);
  return magnitude_of(x - t) >= 0.5 ? t + copy_sign(1, x) : t;
}
// To nearest, ties to even: the addition rounds.
double rint(double x) {
  if (whole(x)) return x;
  double magic = copy_sign(exact, x);
  volatile double sum = x + magic;
  return copy_sign(sum - magic, x);
}
double nearbyint(double x) { return rint(x); }
long lround(double x) { return static_cast<long>(round(x)); }
long long llround(double x) { return static_cast<long long>(round(x)); }
long lrint(double x) { return static_cast<long>(rint(x)); }
long long llrint(double x) { return static_cast<long long>(rint(x)); }
#ifdef __SSE2__
double sqrt(double x) { return _mm_cvtsd_f64(_mm_sqrt_pd(_mm_set1_pd(x))); }
float sqrtf(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
#else
double sqrt(double x) {
  return __builtin_bit_cast(double, vbpf::rt::square_root<vbpf::rt::Double>(__builtin_bit_cast(uint64_t, x)));
}
float sqrtf(float x) {
  return __builtin_bit_cast(float, vbpf::rt::square_root<vbpf::rt::Single>(__builtin_bit_cast(uint32_t, x)));
}
#endif
float truncf(float x) { return static_cast<float>(trunc(x)); }
float floorf(float x) { return static_cast<float>(floor(x)); }
float ceilf(float x) { return static_cast<float>(ceil(x)); }
float roundf(float x) { return static_cast<float>(round(x)); }
float rintf(float x) { return static_cast<float>(rint(x)); }
float nearbyintf(float x) { return static_cast<float>(rint(x)); }
double fmax(double x, double y) { return x != x ? y : (y != y || x > y) ? x : y; }
double fmin(double x, double y) { return x != x ? y : (y != y || x < y) ? x : y; }
float fmaxf(float x, float y) { return static_cast<float>(fmax(x, y)); }
float fminf(float x, float y) { return static_cast<float>(fmin(x, y)); }

// Exact: subtracts the divisor scaled by powers of two.
double fmod(double x, double y) {
  double a = magnitude_of(x), b = magnitude_of(y);
  if (x != x || y != y || b == 0 || a - a != 0) return (x * y) / (x * y);
  if (b - b != 0) return x;
  while (a >= b) {
    double scaled = b;
    while (scaled <= a / 2) scaled *= 2;
    a -= scaled;
  }
  return copy_sign(a, x);
}
float fmodf(float x, float y) { return static_cast<float>(fmod(x, y)); }

double modf(double x, double* integral) {
  *integral = truncate(x);
  return copy_sign(x - x == 0 ? x - *integral : 0, x);
}

double ldexp(double x, int exponent) {
  for (; exponent > 1000; exponent -= 1000) x *= 0x1p1000;
  for (; exponent < -900; exponent += 900) x *= 0x1p-900;
  return x * __builtin_bit_cast(double, static_cast<uint64_t>(exponent + 1023) << 52);
}
double scalbn(double x, int exponent) { return ldexp(x, exponent); }

double frexp(double x, int* exponent) {
  *exponent = 0;
  if (x == 0 || x - x != 0) return x;
  uint64_t bits = __builtin_bit_cast(uint64_t, x);
  if (((bits >> 52) & 0x7ff) == 0) {
    bits = __builtin_bit_cast(uint64_t, x * 0x1p64);
    *exponent = -64;
  }
  *exponent += static_cast<int>((bits >> 52) & 0x7ff) - 1022;
  return __builtin_bit_cast(double, (bits & ~(0x7ffull << 52)) | (1022ull << 52));
}

}  // extern "C"
