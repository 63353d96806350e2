// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <bit>
#include <bitset>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <random>
#include <string_view>

#include "check.h"

FACILITY(charconv) {
  char text[32];
  auto end = std::to_chars(text, text + 32, opaque(-1234567890123ll)).ptr;
  CHECK(std::string_view(text, end) == "-1234567890123");
  end = std::to_chars(text, text + 32, opaque(0xdeadbeefu), 16).ptr;
  CHECK(std::string_view(text, end) == "deadbeef");
  unsigned value = 0;
  std::string_view source = "4294967295 rest";
  auto result = std::from_chars(source.data(), source.data() + source.size(), value);
  CHECK(result.ec == std::errc() && value == 4294967295u && *result.ptr == ' ');
  source = "4294967296";
  CHECK(std::from_chars(source.data(), source.data() + source.size(), value).ec == std::errc::result_out_of_range);
  return 0;
}

FACILITY(bit) {
  CHECK(std::popcount(opaque(0xf0f0ull)) == 8 && std::countl_zero(opaque(1u)) == 31 &&
        std::bit_ceil(opaque(17u)) == 32);
  CHECK(std::rotl(opaque<uint8_t>(0x81), 1) == 0x03 && std::bit_cast<uint32_t>(1.0f) == 0x3f800000);
  std::bitset<200> b;
  b.set(static_cast<size_t>(opaque(150)));
  CHECK(b.count() == 1 && b.test(150) && (b << 10).test(160));
  return 0;
}

FACILITY(atomic) {
  static std::atomic<uint64_t> counter;
  static std::atomic_flag flag = ATOMIC_FLAG_INIT;
  counter = 5;
  counter.fetch_add(3);
  uint64_t expected = 8;
  CHECK(counter.compare_exchange_strong(expected, 9) && counter.exchange(1) == 9 && !flag.test_and_set());
  flag.clear();
  std::atomic<double> sum{1.5};
  sum.fetch_add(1.0);
  CHECK(sum.load() == 2.5 && counter.is_lock_free());
  return 0;
}

FACILITY(random) {
  std::mt19937 small(1);
  std::mt19937_64 large(1);
  std::minstd_rand simple(1);
  CHECK(small() == 1791095845u && large() == 2469588189546311528ull && simple() == 48271);
  std::ranlux24 lux;
  std::knuth_b knuth;
  lux();
  knuth();
  std::uniform_int_distribution<int> die(1, 6);
  int seen = 0;
  for (int i = 0; i < 1000; ++i) seen |= 1 << die(small);
  CHECK(seen == 0x7e);
  std::uniform_real_distribution<double> unit;
  double x = unit(large);
  CHECK(x >= 0 && x < 1);
  std::normal_distribution<double> bell(10, 1);
  double sum = 0;
  for (int i = 0; i < 2000; ++i) sum += bell(large);
  CHECK(sum / 2000 > 9.8 && sum / 2000 < 10.2);
  return 0;
}

FACILITY(math) {
  CHECK(std::floor(opaque(-1.5)) == -2 && std::ceil(opaque(-1.5)) == -1 && std::trunc(opaque(-1.5)) == -1);
  CHECK(std::round(opaque(2.5)) == 3 && std::rint(opaque(2.5)) == 2 && std::ceil(opaque(0.1f)) == 1);
  CHECK(std::sqrt(opaque(2.0)) == 1.4142135623730951 && std::fmod(opaque(5.5), 2.0) == 1.5);
  CHECK(std::fabs(std::exp(opaque(1.0)) - 2.718281828459045) < 1e-15);
  CHECK(std::fabs(std::log(opaque(10.0)) - 2.302585092994046) < 1e-15);
  CHECK(std::pow(opaque(2.0), 10) == 1024 && std::fabs(std::pow(opaque(2.0), 0.5) - 1.4142135623730951) < 1e-15);
  int exponent = 0;
  CHECK(std::frexp(opaque(12.0), &exponent) == 0.75 && exponent == 4 && std::ldexp(0.75, 4) == 12);
  CHECK(std::isnan(std::log(opaque(-1.0))) && std::numeric_limits<double>::infinity() == std::exp(opaque(1000.0)));
  CHECK(std::fma(opaque(1 + 0x1p-30), 1 + 0x1p-30, -1.0) == 0x1p-29 + 0x1p-60);  // rounded once
  long double wide = opaque(3.0);
  CHECK(wide * 2 == 6 && sizeof(wide) == 8);
  unsigned __int128 big = static_cast<unsigned __int128>(opaque(~0ull)) * opaque(~0ull);
  CHECK(big / opaque(~0ull) == ~0ull && big % opaque(~0ull) == 0 && big / (big - 1) == 1);
  return 0;
}

FACILITY(steady_clock) {
  auto before = std::chrono::steady_clock::now();
  CHECK(std::chrono::steady_clock::now() >= before);
  return 0;
}
