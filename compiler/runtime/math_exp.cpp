// SPDX-License-Identifier: Apache-2.0
// <math.h>: exponential and logarithm, to about 1e-15 relative; pow loses accuracy with the size of its exponent.
#include <math.h>
#include <stdint.h>

namespace {

constexpr double ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
constexpr double infinity = __builtin_inf();

}  // namespace

extern "C" {

// e^x = 2^k e^r with |r| <= ln2/2, and e^r by its Taylor series.
double exp(double x) noexcept {
  if (x != x) return x;
  if (x > 709.782712893384) return infinity;
  if (x < -745.2) return 0;
  double k = rint(x * 1.4426950408889634);
  double r = (x - k * ln2_high) - k * ln2_low;
  double term = 1, sum = 1;
  for (int i = 1; i <= 14; ++i) {
    term *= r / i;
    sum += term;
  }
  return ldexp(sum, static_cast<int>(k));
}

// x = 2^k m with m about 1; ln m = 2 atanh((m-1)/(m+1)).
double log(double x) noexcept {
  if (x != x || x == infinity) return x;
  if (x == 0) return -infinity;
  if (x < 0) return __builtin_nan("");
  int k = 0;
  double m = frexp(x, &k);
  if (m < 0.70710678118654752) {
    m *= 2;
    --k;
  }
  double s = (m - 1) / (m + 1), square = s * s, power = s, sum = 0;
  for (int i = 1; i <= 25; i += 2) {
    sum += power / i;
    power *= square;
  }
  return k * ln2_high + (2 * sum + k * ln2_low);
}

double log2(double x) noexcept { return log(x) * 1.4426950408889634; }
double log10(double x) noexcept { return log(x) * 0.43429448190325183; }
double log1p(double x) noexcept {
  if (fabs(x) > 1e-4) return log(1 + x);
  return x * (1 - x * (0.5 - x * (1.0 / 3 - x * 0.25)));
}
double exp2(double x) noexcept { return exp(x * 0.69314718055994531); }

double pow(double x, double y) noexcept {
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return x + y;
  bool integral = trunc(y) == y;
  if (integral && fabs(y) <= 1024) {  // by squaring: exact where the result is
    double result = 1, base = x;
    for (auto n = static_cast<unsigned>(fabs(y)); n != 0; n >>= 1, base *= base) {
      if (n & 1) result *= base;
    }
    return y < 0 ? 1 / result : result;
  }
  if (x < 0 && !integral) return __builtin_nan("");
  double result = exp(y * log(fabs(x)));
  return x < 0 && fmod(y, 2) != 0 ? -result : result;
}

float expf(float x) noexcept { return static_cast<float>(exp(x)); }
float logf(float x) noexcept { return static_cast<float>(log(x)); }
float log2f(float x) noexcept { return static_cast<float>(log2(x)); }
float log10f(float x) noexcept { return static_cast<float>(log10(x)); }
float powf(float x, float y) noexcept { return static_cast<float>(pow(x, y)); }

}  // extern "C"
