// SPDX-License-Identifier: Apache-2.0
// How many buckets a hash table takes: the first prime that is not less than n.
#include <stddef.h>
#include <stdint.h>

namespace {

uint64_t multiply(uint64_t a, uint64_t b, uint64_t n) {
  // The quotient is below 2^64 as a, b < n: one division instruction instead of a 128-bit division.
  uint64_t low = 0, high = 0, quotient = 0, remainder = 0;
  unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  low = static_cast<uint64_t>(product);
  high = static_cast<uint64_t>(product >> 64);
  __asm__("divq %4" : "=a"(quotient), "=d"(remainder) : "0"(low), "1"(high), "r"(n) : "cc");
  return remainder;
}

uint64_t power(uint64_t base, uint64_t exponent, uint64_t n) {
  uint64_t result = 1;
  for (base %= n; exponent != 0; exponent >>= 1, base = multiply(base, base, n)) {
    if (exponent & 1) result = multiply(result, base, n);
  }
  return result;
}

constexpr uint64_t witnesses[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};

// Miller and Rabin; with these witnesses it is certain below 2^64.
bool is_prime(uint64_t n) {
  for (uint64_t p : witnesses) {
    if (n % p == 0) return n == p;
  }
  if (n < 37 * 37) return n > 1;
  auto twos = static_cast<unsigned>(__builtin_ctzll(n - 1));
  for (uint64_t witness : witnesses) {
    uint64_t x = power(witness, (n - 1) >> twos, n);
    if (x == 1 || x == n - 1) continue;
    bool passed = false;
    for (unsigned i = 1; i < twos && !passed; ++i) {
      x = multiply(x, x, n);
      passed = x == n - 1;
    }
    if (!passed) return false;
  }
  return true;
}

}  // namespace

namespace std {
inline namespace __1 {

size_t __next_prime(size_t n);
size_t __next_prime(size_t n) {
  if (n <= 2) return n == 0 ? 0 : 2;
  for (n |= 1; !is_prime(n); n += 2) {
  }
  return n;
}

}  // namespace __1
}  // namespace std
