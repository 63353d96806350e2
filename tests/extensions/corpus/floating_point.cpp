// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>

#include "corpus.h"

// Arithmetic that IEEE 754 determines to the last bit.
CORPUS {
  double x = 1.5, y = -0.75;
  float f = 1.0f;
  uint64_t hash = 1;
  for (size_t i = 0; i < size; ++i) {
    x = x * 1.0625 + input[i] / 255.0 - y;
    y = std::sqrt(std::fabs(x)) - y / (1 + input[i]);
    f = f * 0.5f + static_cast<float>(static_cast<int8_t>(input[i]));
    hash = fold(hash, std::bit_cast<uint64_t>(x));
    hash = fold(hash, std::bit_cast<uint64_t>(y) + std::bit_cast<uint32_t>(f));
    hash = fold(hash, static_cast<uint64_t>(static_cast<int64_t>(std::floor(y) + std::ceil(f) + std::trunc(y * 3))));
    if (x > 1e12) x = std::fmod(x, 1000.0);
  }
  hash = fold(hash, std::isnan(x / 0.0 * 0.0) + std::isinf(1.0 / (y - y)) * 2u);
  hash = fold(hash, static_cast<uint64_t>(static_cast<double>(~0ull >> 11)));
  return fold(hash, (x < y) + (f <= 3.0f) * 2u + (std::fmax(x, y) == x) * 4u);
}
