// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string>
#include <string_view>

#include "program.h"

namespace program {
namespace {
__attribute__((noinline)) uint64_t hash_text(std::string_view text) {
  uint64_t hash = text.size();
  for (char c : text) hash = fold(hash, static_cast<unsigned char>(c));
  return hash;
}
struct Record {
  char name[24];
  uint64_t values[40];
};
__attribute__((noinline)) void copy(Record* to, const Record* from) { *to = *from; }
__attribute__((noinline)) void clear(Record* record) { std::memset(record, 0, sizeof *record); }
}  // namespace
}  // namespace program

PROGRAM(strings) {
  using namespace program;
  Random random(seed);
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += static_cast<char>('a' + random.below(26));
    if (i % 7 == 0) text.insert(random.below(static_cast<uint32_t>(text.size())), "needle");
    if (i % 11 == 0) text.erase(random.below(static_cast<uint32_t>(text.size())), 3);
  }
  uint64_t hash = hash_text(text);
  for (size_t at = text.find("needle"); at != std::string::npos; at = text.find("needle", at + 1))
    hash = fold(hash, at);
  char buffer[600];
  std::memcpy(buffer, text.data(), text.size() < 300 ? text.size() : 300);
  std::memmove(buffer + random.below(40), buffer + random.below(40), 200);
  std::memset(buffer + 20, 'x', 1 + random.below(50));
  buffer[299] = 0;
  hash = fold(hash, hash_text({buffer, 240}));
  hash = fold(hash, std::memcmp(buffer, text.data(), 100) > 0);
  Record first = {}, second;
  std::memcpy(first.name, text.data(), sizeof first.name);
  for (uint64_t& value : first.values) value = random.next();
  copy(&second, &first);
  clear(&first);
  for (int i = 0; i < 40; ++i) hash = fold(hash, second.values[i] + first.values[i]);
  return fold(hash, hash_text({second.name, sizeof second.name}));
}
