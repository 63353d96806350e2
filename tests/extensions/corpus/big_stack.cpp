// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

namespace {
// About 40 KiB of the default 64 KiB in one frame, and more in frames of its own.
[[gnu::noinline]] uint64_t wide(const uint8_t* input, size_t size) {
  volatile uint32_t cells[10000];
  for (size_t i = 0; i < 10000; ++i) cells[i] = input[i % size] * static_cast<uint32_t>(i);
  uint64_t hash = 1;
  for (size_t i = 0; i < 10000; i += 97) hash = fold(hash, cells[9999 - i]);
  return hash;
}
[[gnu::noinline]] uint64_t deep(unsigned depth, uint64_t hash) {
  volatile uint64_t frame[16];
  for (unsigned i = 0; i < 16; ++i) frame[i] = hash + i;
  return depth == 0 ? frame[7] : fold(deep(depth - 1, frame[depth % 16]), frame[3]);
}
[[gnu::noinline]] uint64_t variable(size_t count, uint64_t hash) {
  auto* cells = static_cast<uint64_t*>(__builtin_alloca(count * 8));
  for (size_t i = 0; i < count; ++i) cells[i] = hash = fold(hash, i);
  return cells[count / 2];
}
}  // namespace

CORPUS {
  uint64_t hash = fold(wide(input, size), deep(200, input[0]));
  for (size_t count = 1; count < 4000; count = count * 3 + input[0] % 5u) hash = variable(count, hash);
  return hash;
}
