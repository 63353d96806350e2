// SPDX-License-Identifier: Apache-2.0
// A small neural network's layer: 64 x 64 floats times a vector, with a threshold.
#include "kernel.h"

namespace {
constexpr uint32_t kSize = 64;
alignas(64) float weights[kSize][kSize];
alignas(64) float values[2][kSize];

void set_up() {
  kernel::Random random;
  for (auto& row : weights)
    for (float& weight : row) weight = static_cast<float>(random.below(2001)) / 1000.0F - 1.0F;
  for (float& value : values[0]) value = static_cast<float>(random.below(1000)) / 1000.0F;
}
}  // namespace

KERNEL(matrix) {
  if (weights[0][0] == 0.0F) set_up();
  for (uint64_t round = 0; round < rounds; ++round) {
    float *in = values[round & 1], *out = values[(round & 1) ^ 1];
    for (uint32_t i = 0; i < kSize; ++i) out[i] = 0.01F * static_cast<float>(i);
    for (uint32_t j = 0; j < kSize; ++j)
      for (uint32_t i = 0; i < kSize; ++i) out[i] += weights[j][i] * in[j];
    for (uint32_t i = 0; i < kSize; ++i) out[i] = out[i] > 0.0F ? out[i] * 0.1F : 0.0F;
  }
  float sum = 0.0F;
  for (const float value : values[0]) sum += value;
  return static_cast<uint64_t>(sum * 1000.0F);
}
