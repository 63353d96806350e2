// SPDX-License-Identifier: Apache-2.0
// Frames at, around and far over 64 KiB.
#include "program.h"

namespace program {
namespace {
template <unsigned size>
__attribute__((noinline)) uint64_t frame(uint64_t seed, int depth) {
  volatile unsigned char bytes[size];
  for (unsigned i = 0; i < size; i += 1021) bytes[i] = static_cast<unsigned char>(seed + i);
  bytes[size - 1] = static_cast<unsigned char>(depth);
  uint64_t hash = depth == 0 ? seed : frame<size>(seed * 31, depth - 1);
  for (unsigned i = 0; i < size; i += 1021) hash = fold(hash, bytes[i]);
  return fold(hash, bytes[size - 1]);
}
}  // namespace
}  // namespace program

PROGRAM(big_frames) {
  using namespace program;
  uint64_t hash = frame<65520>(seed, 3);
  hash = fold(hash, frame<65528>(seed, 2));
  hash = fold(hash, frame<65536>(seed, 3));
  hash = fold(hash, frame<65552>(seed, 3));
  hash = fold(hash, frame<200000>(seed, 5));
  return fold(hash, frame<2000000>(seed, 1));
}
