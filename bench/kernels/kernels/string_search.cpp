// SPDX-License-Identifier: Apache-2.0
// Horspool's search for five patterns in 16 KiB of text.
#include "kernel.h"

namespace {
constexpr uint32_t kText = 16384;
unsigned char text[kText];

struct Pattern {
  const char* bytes;
  uint32_t length;
  uint32_t skip[256];
};
Pattern patterns[] = {
    {"/etc/passwd", 11, {}}, {"User-Agent", 10, {}}, {"select", 6, {}}, {"qzx", 3, {}}, {"<script>", 8, {}}};

void set_up() {
  kernel::Random random;
  constexpr char letters[] = "etaoinshrdlu <>/-ETAOcpwSQqzx.,;";
  for (unsigned char& c : text) c = static_cast<unsigned char>(letters[random.below(32)]);
  for (Pattern& pattern : patterns) {
    for (uint32_t& skip : pattern.skip) skip = pattern.length;
    for (uint32_t i = 0; i + 1 < pattern.length; ++i)
      pattern.skip[static_cast<unsigned char>(pattern.bytes[i])] = pattern.length - 1 - i;
    for (uint32_t at = random.below(3000); at + 20 < kText; at += 2000 + random.below(3000))
      for (uint32_t i = 0; i < pattern.length; ++i) text[at + i] = static_cast<unsigned char>(pattern.bytes[i]);
  }
}
uint32_t count(const Pattern& pattern) {
  uint32_t found = 0;
  const uint32_t last = pattern.length - 1;
  for (uint32_t at = 0; at + pattern.length <= kText; at += pattern.skip[text[at + last]]) {
    uint32_t i = last;
    while (text[at + i] == static_cast<unsigned char>(pattern.bytes[i])) {
      if (i-- == 0) {
        ++found;
        break;
      }
    }
  }
  return found;
}
}  // namespace

KERNEL(string_search) {
  if (text[0] == 0) set_up();
  uint64_t found = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (const Pattern& pattern : patterns) found += count(pattern) * (round + 1);
    text[round * 61 % kText] ^= 0x80;
  }
  return found;
}
