// SPDX-License-Identifier: Apache-2.0
// SSE2 always, AVX2 where compiled for it; the numbers are the same.
#include <immintrin.h>

#include "program.h"

namespace program {
namespace {
using Lanes = uint32_t __attribute__((vector_size(32)));

__attribute__((noinline)) void mix(Lanes* state, const Lanes* input, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    *state ^= input[i];
    *state *= 0x9e3779b1u;
    *state = (*state << 13) | (*state >> 19);
    *state += __builtin_shufflevector(*state, input[i], 0, 9, 2, 11, 4, 13, 6, 15);
  }
}
__attribute__((noinline)) uint64_t intrinsics(const uint8_t* bytes, unsigned count) {
  __m128i sum = _mm_setzero_si128();
  uint64_t hash = 0;
  for (unsigned i = 0; i + 16 <= count; i += 16) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i));
    sum = _mm_add_epi64(sum, _mm_sad_epu8(chunk, _mm_setzero_si128()));
    hash = fold(hash, _mm_movemask_epi8(_mm_cmpgt_epi8(chunk, _mm_set1_epi8(20))));
  }
  alignas(16) uint64_t parts[2];
  _mm_store_si128(reinterpret_cast<__m128i*>(parts), sum);
  _mm_stream_si64(reinterpret_cast<long long*>(&parts[0]), static_cast<long long>(parts[0] + 1));
  return fold(hash, parts[0] + parts[1]);
}
__attribute__((noinline)) void saxpy(float* y, const float* x, float a, unsigned count) {
  for (unsigned i = 0; i < count; ++i) y[i] = y[i] + a * x[i];
}
// Index loads: gathers if a compiler dared.
__attribute__((noinline)) uint32_t permute(const uint32_t* table, const uint8_t* index, unsigned count) {
  uint32_t sum = 0;
  for (unsigned i = 0; i < count; ++i) sum += table[index[i]];
  return sum;
}
#ifdef __AVX2__
__attribute__((noinline)) uint64_t masked(const int* values, unsigned count) {
  const __m256i mask =
      _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  alignas(32) int out[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(out), _mm256_maskload_epi32(values, mask));
  uint64_t sum = 0;
  for (int value : out) sum += static_cast<uint64_t>(value);
  return sum;
}
#else
__attribute__((noinline)) uint64_t masked(const int* values, unsigned count) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < count; ++i) sum += static_cast<uint64_t>(values[i]);
  return sum;
}
#endif
}  // namespace
}  // namespace program

PROGRAM(vectors) {
  using namespace program;
  Random random(seed);
  Lanes input[16], state = {1, 2, 3, 4, 5, 6, 7, 8};
  for (Lanes& lanes : input)
    for (int i = 0; i < 8; ++i) lanes[i] = static_cast<uint32_t>(random.next());
  mix(&state, input, 16);
  uint64_t hash = intrinsics(reinterpret_cast<const uint8_t*>(input), sizeof input);
  for (int i = 0; i < 8; ++i) hash = fold(hash, state[i]);
  float x[37], y[37];
  for (int i = 0; i < 37; ++i) x[i] = static_cast<float>(random.below(100)), y[i] = static_cast<float>(i);
  saxpy(y, x, 3.0F, 37);  // small whole numbers: exact, fused or not
  for (float value : y) hash = fold(hash, static_cast<uint64_t>(value));
  uint32_t table[256];
  for (uint32_t& entry : table) entry = static_cast<uint32_t>(random.next());
  hash = fold(hash, permute(table, reinterpret_cast<const uint8_t*>(input), sizeof input));
  return fold(hash, masked(reinterpret_cast<const int*>(table), random.below(8)));
}
