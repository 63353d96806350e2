// SPDX-License-Identifier: Apache-2.0
// Locals with more alignment than the stack has.
#include "program.h"

#pragma clang diagnostic ignored "-Wvla"
#pragma clang diagnostic ignored "-Wvla-cxx-extension"
namespace program {
namespace {
__attribute__((noinline)) uint64_t misalignment(const void* address, uintptr_t alignment) {
  return opaque(reinterpret_cast<uintptr_t>(address)) % alignment;
}
__attribute__((noinline)) uint64_t fill(unsigned char* bytes, unsigned count, uint64_t seed) {
  uint64_t hash = 0;
  for (unsigned i = 0; i < count; ++i) hash = fold(hash, bytes[i] = static_cast<unsigned char>(seed * (i + 3)));
  return hash;
}
__attribute__((noinline)) uint64_t at32(uint64_t seed) {
  alignas(32) unsigned char bytes[100];
  return fill(bytes, sizeof bytes, seed) + misalignment(bytes, 32);
}
__attribute__((noinline)) uint64_t at64(uint64_t seed, int depth) {
  alignas(64) unsigned char bytes[65];
  const uint64_t hash = fill(bytes, sizeof bytes, seed) + misalignment(bytes, 64);
  return depth == 0 ? hash : fold(hash, at64(seed + bytes[3], depth - 1) + bytes[64]);
}
__attribute__((noinline)) uint64_t at4096(uint64_t seed, unsigned count) {
  alignas(4096) unsigned char bytes[5000];
  unsigned char more[count];
  return fill(bytes, sizeof bytes, seed) + fill(more, count, seed) + misalignment(bytes, 4096);
}
__attribute__((noinline)) uint64_t at128k(uint64_t seed) {
  alignas(131072) unsigned char bytes[300];
  return fill(bytes, sizeof bytes, seed) + misalignment(bytes, 131072);
}
}  // namespace
}  // namespace program

PROGRAM(alignment) {
  using namespace program;
  uint64_t hash = fold(at32(seed), at64(seed, 9));
  hash = fold(hash, at4096(seed, 1 + static_cast<unsigned>(seed % 77)));
  return fold(hash, at128k(seed));
}
