// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <system_error>

#include "corpus.h"

CORPUS {
  uint64_t hash = 1;
  for (size_t i = 0; i + 8 <= size; i += 5) {
    int64_t value;
    memcpy(&value, input + i, 8);
    char text[72];
    const int base = 2 + static_cast<int>(i % 35);
    const auto written = std::to_chars(text, text + sizeof(text), value, base);
    int64_t back = 0;
    const auto read = std::from_chars(text, written.ptr, back, base);
    hash = fold(hash, static_cast<uint64_t>(back) + (back == value) + (read.ptr == written.ptr));
    for (const char* c = text; c != written.ptr; ++c) hash = fold(hash, static_cast<unsigned char>(*c));
    uint8_t small = 0;
    hash = fold(hash, std::from_chars(text, written.ptr, small, base).ec == std::errc::result_out_of_range);
  }
  return hash;
}
