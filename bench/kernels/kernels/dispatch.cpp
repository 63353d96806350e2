// SPDX-License-Identifier: Apache-2.0
// A chain of rules behind virtual functions, run over packet headers.
#include "kernel.h"

namespace {
struct Header {
  uint32_t source, target;
  uint16_t source_port, target_port;
  uint8_t protocol, flags;
};
struct Rule {
  virtual bool matches(const Header& header) = 0;
  uint64_t hits = 0;
};
struct Network : Rule {
  uint32_t address = 0, mask = 0;
  bool matches(const Header& header) override { return (header.source & mask) == address; }
};
struct Ports : Rule {
  uint16_t low = 0, high = 0;
  bool matches(const Header& header) override { return header.target_port >= low && header.target_port <= high; }
};
struct Flags : Rule {
  uint8_t mask = 0, value = 0;
  bool matches(const Header& header) override { return header.protocol == 6 && (header.flags & mask) == value; }
};
struct Not : Rule {
  Rule* inner = nullptr;
  bool matches(const Header& header) override { return !inner->matches(header); }
};

constexpr uint32_t kRules = 12, kHeaders = 512;
Network networks[kRules];
Ports ports[kRules];
Flags flags[kRules];
Not nots[kRules];
Rule* rules[kRules];
uint32_t rule_count;
Header headers[kHeaders];

void set_up() {
  kernel::Random random;
  rule_count = kRules;
  for (Header& header : headers) {
    header = {random.below(1u << 20),
              random.below(1u << 20),
              static_cast<uint16_t>(random.next()),
              static_cast<uint16_t>(random.below(4096)),
              static_cast<uint8_t>(random.below(2) == 0 ? 6 : 17),
              static_cast<uint8_t>(random.below(64))};
  }
  for (uint32_t i = 0; i < kRules; ++i) {
    networks[i].mask = 0xffffff00, networks[i].address = random.below(4096) << 8;
    ports[i].low = static_cast<uint16_t>(i * 300), ports[i].high = static_cast<uint16_t>(i * 300 + 20);
    flags[i].mask = 0x3f, flags[i].value = static_cast<uint8_t>(i * 5);
    Rule* const kinds[] = {&networks[i], &ports[i], &flags[i]};
    rules[i] = kinds[random.below(3)];
    nots[i].inner = &nots[i];
    if (i % 4 == 3) {
      nots[i].inner = rules[i];
      Not* twice = &nots[i - 1];
      twice->inner = &nots[i];
      rules[i] = twice;  // not not: three calls deep
    }
  }
}
}  // namespace

KERNEL(dispatch) {
  if (rule_count == 0) set_up();
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (const Header& header : headers) {
      for (uint32_t i = 0; i < rule_count; ++i) {
        if (!rules[i]->matches(header)) continue;
        sum += ++rules[i]->hits + i;
        break;
      }
    }
  }
  return sum;
}
