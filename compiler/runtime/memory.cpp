// SPDX-License-Identifier: Apache-2.0
// memcpy and its kin. Loops over blocks: string instructions have no operand that SFI could confine. Short lengths, the
// usual ones, take two possibly overlapping accesses instead of a loop.
#include <stddef.h>
#include <stdint.h>

#include "block.h"

namespace {

using vbpf::rt::Block;
using vbpf::rt::load;
using vbpf::rt::store;

// Every load of these precedes every store, so they are right for overlapping ranges too.
template <typename T>
inline void two(unsigned char* to, const unsigned char* from, size_t length) {
  T first = load<T>(from), last = load<T>(from + length - sizeof(T));
  store(to, first);
  store(to + length - sizeof(T), last);
}

inline void copy_up_to_32(unsigned char* to, const unsigned char* from, size_t length) {
  if (length >= 16) return two<Block>(to, from, length);
  if (length >= 8) return two<uint64_t>(to, from, length);
  if (length >= 4) return two<uint32_t>(to, from, length);
  if (length >= 2) return two<uint16_t>(to, from, length);
  if (length == 1) *to = *from;
}

// Length over 32; the last 16 bytes are read first, as the loop may overwrite them when the ranges overlap.
inline void copy_forward(unsigned char* to, const unsigned char* from, size_t length) {
  Block tail = load<Block>(from + length - 16);
  unsigned char* const end = to + length - 16;
  while (static_cast<size_t>(end - to) > 48) {
    Block a = load<Block>(from), b = load<Block>(from + 16), c = load<Block>(from + 32), d = load<Block>(from + 48);
    store(to, a);
    store(to + 16, b);
    store(to + 32, c);
    store(to + 48, d);
    to += 64;
    from += 64;
    if (to >= end) break;
  }
  for (; to < end; to += 16, from += 16) store(to, load<Block>(from));
  store(end, tail);
}

inline void copy_backward(unsigned char* to, const unsigned char* from, size_t length) {
  Block head = load<Block>(from);
  size_t left = length;
  for (; left > 16; left -= 16) store(to + left - 16, load<Block>(from + left - 16));
  store(to, head);
}

}  // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, size_t length) {
  auto* d = static_cast<unsigned char*>(to);
  auto* s = static_cast<const unsigned char*>(from);
  if (length <= 32) {
    copy_up_to_32(d, s, length);
  } else {
    copy_forward(d, s, length);
  }
  return to;
}

void* memmove(void* to, const void* from, size_t length) {
  auto* d = static_cast<unsigned char*>(to);
  auto* s = static_cast<const unsigned char*>(from);
  if (length <= 32) {
    copy_up_to_32(d, s, length);
  } else if (static_cast<size_t>(d - s) >= length) {
    copy_forward(d, s, length);
  } else {
    copy_backward(d, s, length);
  }
  return to;
}

void* mempcpy(void* __restrict to, const void* __restrict from, size_t length) {
  return static_cast<char*>(memcpy(to, from, length)) + length;
}

void* memset(void* to, int value, size_t length) {
  auto* d = static_cast<unsigned char*>(to);
  uint64_t pattern = 0x0101010101010101ull * static_cast<unsigned char>(value);
  if (length >= 16) {
    Block wide = vbpf::rt::filled_with(static_cast<unsigned char>(value));
    unsigned char* const end = d + length - 16;
    for (; d < end; d += 16) store(d, wide);
    store(end, wide);
  } else if (length >= 8) {
    store(d, pattern);
    store(d + length - 8, pattern);
  } else if (length >= 4) {
    store(d, static_cast<uint32_t>(pattern));
    store(d + length - 4, static_cast<uint32_t>(pattern));
  } else if (length > 0) {
    d[0] = d[length / 2] = d[length - 1] = static_cast<unsigned char>(value);
  }
  return to;
}

int memcmp(const void* left, const void* right, size_t length) {
  auto* a = static_cast<const unsigned char*>(left);
  auto* b = static_cast<const unsigned char*>(right);
  for (; length >= 16; a += 16, b += 16, length -= 16) {
    unsigned equal = vbpf::rt::equal_bytes(load<Block>(a), load<Block>(b));
    if (equal == 0xffff) continue;
    unsigned at = static_cast<unsigned>(__builtin_ctz(~equal));
    return a[at] - b[at];
  }
  if (length >= 8) {
    uint64_t x = __builtin_bswap64(load<uint64_t>(a)), y = __builtin_bswap64(load<uint64_t>(b));
    if (x != y) return x < y ? -1 : 1;
    a += 8;
    b += 8;
    length -= 8;
  }
  for (; length > 0; ++a, ++b, --length) {
    if (*a != *b) return *a - *b;
  }
  return 0;
}

int bcmp(const void* left, const void* right, size_t length) { return memcmp(left, right, length); }

}  // extern "C"
