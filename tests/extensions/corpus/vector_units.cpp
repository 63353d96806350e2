// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

// Loops that the compiler vectorises, and vectors of its own.
namespace {
typedef uint32_t v4 __attribute__((vector_size(16)));
typedef float v8 __attribute__((vector_size(32)));
}  // namespace

CORPUS {
  alignas(32) uint32_t numbers[2048];
  alignas(32) uint8_t bytes[2048];
  for (size_t i = 0; i < 2048; ++i) bytes[i] = static_cast<uint8_t>(input[i % size] + i);
  for (size_t i = 0; i < 2048; ++i) numbers[i] = bytes[i] * 40503u;
  uint64_t sum = 0, largest = 0;
  for (uint32_t number : numbers) sum += number;
  for (uint32_t number : numbers) largest = number > largest ? number : largest;
  v4 lanes = {1, 2, 3, 4};
  v8 floats = {1, 2, 3, 4, 5, 6, 7, 8};
  for (size_t i = 0; i + 4 <= 2048; i += 4) {
    v4 next;
    memcpy(&next, numbers + i, 16);
    lanes = (lanes ^ next) * 5u + (lanes >> 3);
    floats = floats * 0.5f + static_cast<float>(bytes[i]);
  }
  uint64_t hash = fold(sum, largest);
  for (int i = 0; i < 4; ++i) hash = fold(hash, lanes[i]);
  for (int i = 0; i < 8; ++i) hash = fold(hash, static_cast<uint64_t>(floats[i]));
  return hash;
}
