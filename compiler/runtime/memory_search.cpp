// SPDX-License-Identifier: Apache-2.0
// Searching bytes. Reads whole 16-byte blocks only inside the range it was given.
#include <stddef.h>

#include "block.h"

// Not <string.h>: for C++ it declares these as overloads.
extern "C" int memcmp(const void*, const void*, size_t) noexcept;

extern "C" {

void* memchr(const void* range, int value, size_t length) noexcept {
  auto* p = static_cast<const unsigned char*>(range);
  auto byte = static_cast<unsigned char>(value);
  vbpf::rt::Block wanted = vbpf::rt::filled_with(byte);
  for (; length >= 16; p += 16, length -= 16) {
    unsigned hits = vbpf::rt::equal_bytes(vbpf::rt::load<vbpf::rt::Block>(p), wanted);
    if (hits != 0) return const_cast<unsigned char*>(p) + __builtin_ctz(hits);
  }
  for (; length > 0; ++p, --length) {
    if (*p == byte) return const_cast<unsigned char*>(p);
  }
  return nullptr;
}

void* memrchr(const void* range, int value, size_t length) noexcept {
  auto* p = static_cast<const unsigned char*>(range) + length;
  for (; length > 0; --length) {
    if (*--p == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(p);
  }
  return nullptr;
}

void* memmem(const void* hay, size_t hay_length, const void* needle, size_t needle_length) noexcept {
  auto* p = static_cast<const unsigned char*>(hay);
  auto* n = static_cast<const unsigned char*>(needle);
  if (needle_length == 0) return const_cast<unsigned char*>(p);
  while (hay_length >= needle_length) {
    auto* hit = static_cast<const unsigned char*>(memchr(p, n[0], hay_length - needle_length + 1));
    if (hit == nullptr) return nullptr;
    if (memcmp(hit, n, needle_length) == 0) return const_cast<unsigned char*>(hit);
    hay_length -= static_cast<size_t>(hit + 1 - p);
    p = hit + 1;
  }
  return nullptr;
}

}  // extern "C"
