// SPDX-License-Identifier: Apache-2.0
// Arithmetic and comparison of floating point by the names that the compiler calls where there are no registers for it.
// Nothing here may use an operator of float or double: it would call itself.
#include "soft_convert.h"

namespace {

using vbpf::rt::Double;
using vbpf::rt::Order;
using vbpf::rt::Single;

uint32_t bits(float x) { return __builtin_bit_cast(uint32_t, x); }
uint64_t bits(double x) { return __builtin_bit_cast(uint64_t, x); }
float single(uint32_t x) { return __builtin_bit_cast(float, x); }
double double_(uint64_t x) { return __builtin_bit_cast(double, x); }

// Of unordered numbers a comparison's answer is false, however its result is compared with 0 then.
int or_above(Order order) { return order == Order::unordered ? 1 : order; }
int or_below(Order order) { return order == Order::unordered ? -1 : order; }

}  // namespace

#define ARITHMETIC(type, F, make, suffix)                                                                       \
  type __add##suffix##3(type a, type b) { return make(vbpf::rt::add<F>(bits(a), bits(b))); }                    \
  type __sub##suffix##3(type a, type b) { return make(vbpf::rt::subtract<F>(bits(a), bits(b))); }               \
  type __mul##suffix##3(type a, type b) { return make(vbpf::rt::multiply<F>(bits(a), bits(b))); }               \
  type __div##suffix##3(type a, type b) { return make(vbpf::rt::divide<F>(bits(a), bits(b))); }                 \
  type __neg##suffix##2(type a) { return make(bits(a) ^ F::sign); }                                             \
  int __eq##suffix##2(type a, type b) { return or_above(vbpf::rt::compare<F>(bits(a), bits(b))); }              \
  int __ne##suffix##2(type a, type b) { return or_above(vbpf::rt::compare<F>(bits(a), bits(b))); }              \
  int __lt##suffix##2(type a, type b) { return or_above(vbpf::rt::compare<F>(bits(a), bits(b))); }              \
  int __le##suffix##2(type a, type b) { return or_above(vbpf::rt::compare<F>(bits(a), bits(b))); }              \
  int __gt##suffix##2(type a, type b) { return or_below(vbpf::rt::compare<F>(bits(a), bits(b))); }              \
  int __ge##suffix##2(type a, type b) { return or_below(vbpf::rt::compare<F>(bits(a), bits(b))); }              \
  int __unord##suffix##2(type a, type b) { return vbpf::rt::compare<F>(bits(a), bits(b)) == Order::unordered; } \
  int32_t __fix##suffix##si(type a) { return static_cast<int32_t>(vbpf::rt::to_signed<F>(bits(a), 32)); }       \
  int64_t __fix##suffix##di(type a) { return vbpf::rt::to_signed<F>(bits(a)); }                                 \
  uint32_t __fixuns##suffix##si(type a) { return static_cast<uint32_t>(vbpf::rt::to_signed<F>(bits(a))); }      \
  uint64_t __fixuns##suffix##di(type a) { return vbpf::rt::to_unsigned<F>(bits(a)); }                           \
  type __floatsi##suffix(int32_t a) { return make(vbpf::rt::from_signed<F>(int64_t{a})); }                      \
  type __floatdi##suffix(int64_t a) { return make(vbpf::rt::from_signed<F>(a)); }                               \
  type __floatunsi##suffix(uint32_t a) { return make(vbpf::rt::from_unsigned<F>(uint64_t{a})); }                \
  type __floatundi##suffix(uint64_t a) { return make(vbpf::rt::from_unsigned<F>(a)); }

extern "C" {

ARITHMETIC(float, Single, single, sf)
ARITHMETIC(double, Double, double_, df)

double __extendsfdf2(float a) { return double_(vbpf::rt::extend(bits(a))); }
float __truncdfsf2(double a) { return single(vbpf::rt::truncate(bits(a))); }

}  // extern "C"
