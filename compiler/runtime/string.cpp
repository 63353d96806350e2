// SPDX-License-Identifier: Apache-2.0
// C strings: measuring, comparing, searching.
#include <stddef.h>
#include <stdint.h>

#include "block.h"

// Not <string.h>: for C++ it declares some of these as overloads.
extern "C" void* memchr(const void*, int, size_t) noexcept;
extern "C" void* memrchr(const void*, int, size_t) noexcept;
extern "C" void* memmem(const void*, size_t, const void*, size_t) noexcept;

namespace {

unsigned char lower(char c) {
  auto u = static_cast<unsigned char>(c);
  return u >= 'A' && u <= 'Z' ? static_cast<unsigned char>(u + ('a' - 'A')) : u;
}

bool contains(const char* set, char c) {
  for (; *set != 0; ++set) {
    if (*set == c) return true;
  }
  return false;
}

}  // namespace

extern "C" {

// Reads aligned blocks: they may begin before the string and end after it, but never cross into another page.
size_t strlen(const char* text) noexcept {
  using vbpf::rt::Block;
  const Block zero = vbpf::rt::filled_with(0);
  auto address = reinterpret_cast<uintptr_t>(text);
  auto* block = reinterpret_cast<const Block*>(address & ~uintptr_t{15});
  unsigned hits = vbpf::rt::equal_bytes(*block, zero);
  hits >>= address & 15;
  if (hits != 0) return static_cast<size_t>(__builtin_ctz(hits));
  while (true) {
    ++block;
    hits = vbpf::rt::equal_bytes(*block, zero);
    if (hits != 0)
      return static_cast<size_t>(reinterpret_cast<const char*>(block) - text) +
             static_cast<size_t>(__builtin_ctz(hits));
  }
}

size_t strnlen(const char* text, size_t limit) noexcept {
  auto* end = static_cast<const char*>(memchr(text, 0, limit));
  return end != nullptr ? static_cast<size_t>(end - text) : limit;
}

int strncmp(const char* left, const char* right, size_t limit) noexcept {
  for (; limit > 0; ++left, ++right, --limit) {
    auto a = static_cast<unsigned char>(*left), b = static_cast<unsigned char>(*right);
    if (a != b) return a - b;
    if (a == 0) break;
  }
  return 0;
}

int strcmp(const char* left, const char* right) noexcept { return strncmp(left, right, SIZE_MAX); }

int strncasecmp(const char* left, const char* right, size_t limit) noexcept {
  for (; limit > 0; ++left, ++right, --limit) {
    unsigned char a = lower(*left), b = lower(*right);
    if (a != b) return a - b;
    if (a == 0) break;
  }
  return 0;
}

int strcasecmp(const char* left, const char* right) noexcept { return strncasecmp(left, right, SIZE_MAX); }

char* strchr(const char* text, int value) noexcept {
  for (;; ++text) {
    if (*text == static_cast<char>(value)) return const_cast<char*>(text);
    if (*text == 0) return nullptr;
  }
}

char* strchrnul(const char* text, int value) noexcept {
  while (*text != 0 && *text != static_cast<char>(value)) ++text;
  return const_cast<char*>(text);
}

char* strrchr(const char* text, int value) noexcept {
  return static_cast<char*>(memrchr(text, value, strlen(text) + 1));
}

char* strstr(const char* text, const char* needle) noexcept {
  return static_cast<char*>(memmem(text, strlen(text), needle, strlen(needle)));
}

size_t strspn(const char* text, const char* set) noexcept {
  size_t n = 0;
  while (text[n] != 0 && contains(set, text[n])) ++n;
  return n;
}

size_t strcspn(const char* text, const char* set) noexcept {
  size_t n = 0;
  while (text[n] != 0 && !contains(set, text[n])) ++n;
  return n;
}

char* strpbrk(const char* text, const char* set) noexcept {
  text += strcspn(text, set);
  return *text != 0 ? const_cast<char*>(text) : nullptr;
}

}  // extern "C"
