// SPDX-License-Identifier: Apache-2.0
// The floating-point routines of the kernel variant against this CPU's SSE2: bit for bit, NaNs included.
#include "soft_float.h"

#include <emmintrin.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "soft_convert.h"
#include "soft_fma.h"

namespace vbpf::rt {
namespace {

uint64_t bits_of(double x) { return __builtin_bit_cast(uint64_t, x); }
uint32_t bits_of(float x) { return __builtin_bit_cast(uint32_t, x); }

// The instruction itself: a compiler may swap operands, and then another NaN comes out.
#define CPU(name, instruction, type, Bits)                                 \
  Bits name(Bits a, Bits b) {                                              \
    auto x = __builtin_bit_cast(type, a), y = __builtin_bit_cast(type, b); \
    asm(instruction " %1, %0" : "+x"(x) : "x"(y));                         \
    return __builtin_bit_cast(Bits, x);                                    \
  }
CPU(cpu_add, "addsd", double, uint64_t)
CPU(cpu_subtract, "subsd", double, uint64_t)
CPU(cpu_multiply, "mulsd", double, uint64_t)
CPU(cpu_divide, "divsd", double, uint64_t)
CPU(cpu_root, "sqrtsd", double, uint64_t)
CPU(cpu_add, "addss", float, uint32_t)
CPU(cpu_subtract, "subss", float, uint32_t)
CPU(cpu_multiply, "mulss", float, uint32_t)
CPU(cpu_divide, "divss", float, uint32_t)
CPU(cpu_root, "sqrtss", float, uint32_t)
#undef CPU

template <typename F>
using Real = std::conditional_t<sizeof(typename F::Bits) == 8, double, float>;

// Where something changes: around powers of two, the ends of each kind of number, and integers' limits.
template <typename F>
std::vector<typename F::Bits> edges() {
  using Bits = typename F::Bits;
  std::vector<Bits> all;
  for (Bits near :
       {Bits{0}, F::quiet, static_cast<Bits>(F::quiet * 2), F::infinity, static_cast<Bits>(F::infinity | F::quiet),
        bits_of(Real<F>(1)), bits_of(Real<F>(1.5)), bits_of(Real<F>(0.5)), bits_of(Real<F>(3)),
        bits_of(Real<F>(4294967296.0)), bits_of(Real<F>(2147483648.0)), bits_of(Real<F>(9223372036854775808.0)),
        bits_of(Real<F>(18446744073709551616.0)), bits_of(std::numeric_limits<Real<F>>::max())}) {
    for (int delta = -2; delta <= 2; ++delta) all.push_back(near + static_cast<Bits>(delta));
  }
  size_t count = all.size();
  for (size_t i = 0; i < count; ++i) all.push_back(all[i] ^ F::sign);
  return all;
}

// Bits of all kinds: any at all, exponents near each other, few bits set, edges.
template <typename F>
class Source {
 public:
  using Bits = typename F::Bits;
  Bits next(Bits near) {
    auto any = static_cast<Bits>(random_());
    switch (random_() % 5) {
      case 0:
        return any;
      case 1:
        return edges_[random_() % edges_.size()];
      case 2:  // as large as the other, but for some bits
        return near ^ (any & (any >> 7) & (F::sign | (F::quiet * 4 - 1)));
      case 3: {  // the exponent close by
        auto step = static_cast<Bits>(random_() % 140) - 70;
        return ((near & F::infinity) + (step << F::mantissa_bits)) ^ (any & (F::quiet * 2 - 1)) ^ (any & F::sign);
      }
      default:  // few bits of significand: ties
        return any & ~(~Bits{0} >> (random_() % (F::mantissa_bits - 2) + sizeof(Bits) * 8 - F::mantissa_bits));
    }
  }

 private:
  std::mt19937_64 random_{42};
  std::vector<Bits> edges_ = edges<F>();
};

template <typename F>
void check_pair(typename F::Bits a, typename F::Bits b) {
  auto x = __builtin_bit_cast(Real<F>, a), y = __builtin_bit_cast(Real<F>, b);
  ASSERT_EQ(add<F>(a, b), cpu_add(a, b)) << std::hex << a << " + " << b;
  ASSERT_EQ(subtract<F>(a, b), cpu_subtract(a, b)) << std::hex << a << " - " << b;
  ASSERT_EQ(multiply<F>(a, b), cpu_multiply(a, b)) << std::hex << a << " * " << b;
  ASSERT_EQ(divide<F>(a, b), cpu_divide(a, b)) << std::hex << a << " / " << b;
  ASSERT_EQ(compare<F>(a, b), x < y ? less : x > y ? greater : x == y ? equal : unordered) << std::hex << a << " " << b;
}

template <typename F>
U128 truncated_128(Real<F> x) {  // by steps that are each exact
  uint64_t high = static_cast<uint64_t>(x / Real<F>(18446744073709551616.0));
  return U128{high} << 64 | static_cast<uint64_t>(x - static_cast<Real<F>>(high) * Real<F>(18446744073709551616.0));
}

template <typename F>
void check_one(typename F::Bits a) {
  auto x = __builtin_bit_cast(Real<F>, a);
  ASSERT_EQ(square_root<F>(a), cpu_root(a, a)) << std::hex << a;
  const __m128d wide = _mm_set_sd(static_cast<double>(x));
  ASSERT_EQ(to_signed<F>(a), _mm_cvttsd_si64(wide)) << std::hex << a;
  ASSERT_EQ(to_signed<F>(a, 32), _mm_cvttsd_si32(wide)) << std::hex << a;
  if (x > -1 && x < Real<F>(18446744073709551616.0)) {
    ASSERT_EQ(to_unsigned<F>(a), static_cast<uint64_t>(x)) << std::hex << a;
  }
  if (x > -1 && x < Real<F>(1.7014118346046923e38)) {
    U128 whole = x < 1 ? 0 : truncated_128<F>(x);
    ASSERT_TRUE(to_unsigned_128<F>(a) == whole) << std::hex << a;
    ASSERT_TRUE(to_signed_128<F>(a) == static_cast<S128>(whole)) << std::hex << a;
    if (x >= 1) ASSERT_TRUE(to_signed_128<F>(a ^ F::sign) == -static_cast<S128>(whole)) << std::hex << a;
  }
}

template <typename F>
class SoftFloat : public testing::Test {};
using Formats = testing::Types<Single, Double>;
TYPED_TEST_SUITE(SoftFloat, Formats);

TYPED_TEST(SoftFloat, EdgesAgainstEachOther) {
  for (auto a : edges<TypeParam>()) {
    check_one<TypeParam>(a);
    for (auto b : edges<TypeParam>()) {
      check_pair<TypeParam>(a, b);
      if (this->HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(SoftFloat, FiveMillionPairs) {
  Source<TypeParam> source;
  typename TypeParam::Bits last = 0;
  for (int i = 0; i < 5000000; ++i) {
    auto a = source.next(last), b = source.next(a);
    check_pair<TypeParam>(a, b);
    check_one<TypeParam>(b);
    if (this->HasFatalFailure()) FAIL() << std::hex << a << " " << b;
    last = b;
  }
}

__attribute__((target("fma"))) uint64_t cpu_fuse(uint64_t a, uint64_t b, uint64_t c) {
  return bits_of(
      __builtin_fma(__builtin_bit_cast(double, a), __builtin_bit_cast(double, b), __builtin_bit_cast(double, c)));
}
__attribute__((target("fma"))) uint32_t cpu_fuse(uint32_t a, uint32_t b, uint32_t c) {
  return bits_of(
      __builtin_fmaf(__builtin_bit_cast(float, a), __builtin_bit_cast(float, b), __builtin_bit_cast(float, c)));
}

// Which NaN comes out depends on the form of the instruction.
TYPED_TEST(SoftFloat, FusedMultiplyAndAdd) {
  using F = TypeParam;
  if (!__builtin_cpu_supports("fma")) GTEST_SKIP() << "this CPU has no FMA";
  Source<F> source;
  typename F::Bits last = 0;
  for (int i = 0; i < 5000000; ++i) {
    auto a = source.next(last), b = source.next(a);
    // Often the product's negative, or close to it: what is left is what the product's rounding would lose.
    auto c = i % 3 == 0 ? source.next(multiply<F>(a, b)) : i % 3 == 1 ? multiply<F>(a, b) ^ F::sign : source.next(b);
    auto expected = cpu_fuse(a, b, c), got = fuse<F>(a, b, c);
    if (is_nan<F>(expected)) {
      ASSERT_TRUE(is_nan<F>(got)) << std::hex << a << " " << b << " " << c;
    } else {
      ASSERT_EQ(got, expected) << std::hex << a << " " << b << " " << c;
    }
    last = b;
  }
}

TEST(SoftConvert, BetweenSingleAndDouble) {
  Source<Double> doubles;
  uint64_t last = 0;
  for (int i = 0; i < 5000000; ++i) {
    last = doubles.next(last);
    ASSERT_EQ(truncate(last),
              bits_of(_mm_cvtss_f32(_mm_cvtsd_ss(_mm_setzero_ps(), _mm_set_sd(__builtin_bit_cast(double, last))))))
        << std::hex << last;
  }
  // Every single: in steps that are prime to the number of them, and where they are near a double's rounding.
  for (uint64_t i = 0; i < (1ull << 32); i += 397) {
    auto x = static_cast<uint32_t>(i);
    ASSERT_EQ(extend(x),
              bits_of(_mm_cvtsd_f64(_mm_cvtss_sd(_mm_setzero_pd(), _mm_set_ss(__builtin_bit_cast(float, x))))))
        << std::hex << x;
    for (int64_t delta : {-1, 0, 1}) {
      uint64_t half_way = extend(x) + (1ull << 28) + static_cast<uint64_t>(delta);
      ASSERT_EQ(
          truncate(half_way),
          bits_of(_mm_cvtss_f32(_mm_cvtsd_ss(_mm_setzero_ps(), _mm_set_sd(__builtin_bit_cast(double, half_way))))))
          << std::hex << half_way;
    }
  }
}

template <typename F, typename Integer>
void check_integer(Integer value) {
  auto real = static_cast<Real<F>>(value);
  if constexpr (std::is_signed_v<Integer>) {
    ASSERT_EQ(from_signed<F>(int64_t{value}), bits_of(real)) << value;
  } else {
    ASSERT_EQ(from_unsigned<F>(uint64_t{value}), bits_of(real)) << value;
  }
}

template <typename F>
void check_128(U128 value) {  // the host compiler's library is exact too
  ASSERT_EQ(from_unsigned<F>(value), bits_of(static_cast<Real<F>>(value)));
  ASSERT_EQ(from_signed<F>(static_cast<S128>(value)), bits_of(static_cast<Real<F>>(static_cast<S128>(value))));
}

TYPED_TEST(SoftFloat, FromIntegers) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 3000000; ++i) {
    uint64_t value = random() >> (random() % 64);
    if (i % 3 == 0)
      value = (uint64_t{1} << (i / 3 % 64)) + static_cast<uint64_t>(static_cast<int64_t>(random() % 5) - 2);
    check_integer<TypeParam>(value);
    check_integer<TypeParam>(static_cast<int64_t>(value));
    check_integer<TypeParam>(static_cast<uint32_t>(value));
    check_integer<TypeParam>(static_cast<int32_t>(value));
    check_128<TypeParam>((U128{random()} << 64 | value) >> (random() % 128));
    check_128<TypeParam>((U128{1} << (i % 128)) - (random() % 3));
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST(SoftFloat, IntegersOf128BitsSaturate) {
  using F = TypeParam;
  for (auto nan : {F::infinity, static_cast<typename F::Bits>(F::infinity | F::quiet)}) {
    EXPECT_TRUE(to_unsigned_128<F>(nan) == ~U128{0});
    EXPECT_TRUE(to_unsigned_128<F>(nan | F::sign) == 0);
    EXPECT_TRUE(to_signed_128<F>(nan) == static_cast<S128>(~U128{0} >> 1));
    EXPECT_TRUE(to_signed_128<F>(nan | F::sign) == static_cast<S128>(U128{1} << 127));
  }
}

}  // namespace
}  // namespace vbpf::rt
