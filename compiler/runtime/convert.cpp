// SPDX-License-Identifier: Apache-2.0
// Numbers from text, integer helpers of <stdlib.h>, errno.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

namespace {

int error_number;

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

struct Parsed {
  unsigned long long magnitude = 0;
  bool negative = false, overflow = false;
};

Parsed parse(const char* text, char** end, int base) {
  Parsed parsed;
  const char* p = text;
  while (isspace(static_cast<unsigned char>(*p))) ++p;
  if (*p == '-' || *p == '+') parsed.negative = *p++ == '-';
  bool hex = p[0] == '0' && (p[1] | 32) == 'x' && digit_value(p[2]) < 16;
  if ((base == 0 || base == 16) && hex) {
    p += 2;
    base = 16;
  } else if (base == 0) {
    base = *p == '0' ? 8 : 10;
  }
  const char* digits = p;
  for (; digit_value(*p) < base; ++p) {
    auto wide = static_cast<unsigned long long>(base);
    parsed.overflow |= __builtin_mul_overflow(parsed.magnitude, wide, &parsed.magnitude);
    parsed.overflow |=
        __builtin_add_overflow(parsed.magnitude, static_cast<unsigned long long>(digit_value(*p)), &parsed.magnitude);
  }
  if (end != nullptr) *end = const_cast<char*>(p == digits ? text : p);
  return parsed;
}

}  // namespace

extern "C" {

int* __errno_location() noexcept { return &error_number; }

unsigned long long strtoull(const char* __restrict text, char** __restrict end, int base) noexcept {
  Parsed parsed = parse(text, end, base);
  if (parsed.overflow) {
    errno = ERANGE;
    return ULLONG_MAX;
  }
  return parsed.negative ? 0 - parsed.magnitude : parsed.magnitude;
}

long long strtoll(const char* __restrict text, char** __restrict end, int base) noexcept {
  Parsed parsed = parse(text, end, base);
  unsigned long long limit = static_cast<unsigned long long>(LLONG_MAX) + parsed.negative;
  if (parsed.overflow || parsed.magnitude > limit) {
    errno = ERANGE;
    return parsed.negative ? LLONG_MIN : LLONG_MAX;
  }
  return static_cast<long long>(parsed.negative ? 0 - parsed.magnitude : parsed.magnitude);
}

unsigned long strtoul(const char* __restrict text, char** __restrict end, int base) noexcept {
  return strtoull(text, end, base);
}
long strtol(const char* __restrict text, char** __restrict end, int base) noexcept { return strtoll(text, end, base); }
// The names that <stdlib.h> gives these in newer C and C++.
unsigned long long __isoc23_strtoull(const char* __restrict t, char** __restrict e, int b) noexcept {
  return strtoull(t, e, b);
}
long long __isoc23_strtoll(const char* __restrict t, char** __restrict e, int b) noexcept { return strtoll(t, e, b); }
unsigned long __isoc23_strtoul(const char* __restrict t, char** __restrict e, int b) noexcept {
  return strtoull(t, e, b);
}
long __isoc23_strtol(const char* __restrict t, char** __restrict e, int b) noexcept { return strtoll(t, e, b); }

int atoi(const char* text) noexcept { return static_cast<int>(strtoll(text, nullptr, 10)); }
long atol(const char* text) noexcept { return strtoll(text, nullptr, 10); }
long long atoll(const char* text) noexcept { return strtoll(text, nullptr, 10); }

int abs(int value) noexcept { return value < 0 ? -value : value; }
long labs(long value) noexcept { return value < 0 ? -value : value; }
long long llabs(long long value) noexcept { return value < 0 ? -value : value; }
div_t div(int a, int b) noexcept { return {a / b, a % b}; }
ldiv_t ldiv(long a, long b) noexcept { return {a / b, a % b}; }
lldiv_t lldiv(long long a, long long b) noexcept { return {a / b, a % b}; }

}  // extern "C"
