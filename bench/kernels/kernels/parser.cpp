// SPDX-License-Identifier: Apache-2.0
// A recursive-descent JSON parser over an 8 KiB document: checks it, sums the numbers, hashes the strings.
#include "kernel.h"

namespace {
constexpr uint32_t kDocument = 8192;
char document[kDocument];
uint32_t length;

struct Parser {
  const char *at, *end;
  uint64_t sum = 0;
  bool bad = false;

  void space() {
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\t')) ++at;
  }
  bool take(char c) {
    space();
    if (at == end || *at != c) return false;
    ++at;
    return true;
  }
  void string() {
    uint64_t hash = 0;
    while (at != end && *at != '"') {
      if (*at == '\\') ++at;
      hash = (hash ^ static_cast<unsigned char>(*at++)) * 0x100000001b3;
    }
    if (at == end) bad = true;
    if (!bad) ++at;
    sum += hash;
  }
  void number() {
    const bool negative = *at == '-';
    if (negative) ++at;
    uint64_t value = 0;
    const char* begin = at;
    while (at != end && *at >= '0' && *at <= '9') value = value * 10 + static_cast<uint64_t>(*at++ - '0');
    bad |= begin == at;
    sum += negative ? 0 - value : value;
  }
  void members(char close, bool named) {
    if (take(close)) return;
    do {
      if (named) {
        bad |= !take('"');
        if (bad) return;
        string();
        bad |= !take(':');
      }
      value();
    } while (!bad && take(','));
    bad |= !take(close);
  }
  void word(const char* text) {
    for (; *text != 0; ++text, ++at) {
      if (at == end || *at != *text) {
        bad = true;
        return;
      }
    }
  }
  __attribute__((noinline)) void value() {
    space();
    if (at == end || bad) {
      bad = true;
      return;
    }
    switch (*at) {
      case '{':
        ++at;
        return members('}', true);
      case '[':
        ++at;
        return members(']', false);
      case '"':
        ++at;
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }
};

void put(const char* text) {
  while (*text != 0) document[length++] = *text++;
}
void put_number(uint32_t value) {
  char digits[10];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  while (count != 0) document[length++] = digits[--count];
}
void set_up() {
  kernel::Random random;
  put("[");
  while (length < kDocument - 300) {
    put("{\"id\": ");
    put_number(random.below(1000000));
    put(", \"name\": \"host-");
    put_number(random.below(1000));
    put(".example.org\", \"tags\": [\"edge\", \"a \\\"b\\\" c\", -");
    put_number(random.below(100));
    put(", true],\n  \"limits\": {\"rate\": ");
    put_number(random.below(10000));
    put(", \"burst\": null, \"drop\": false}},\n ");
  }
  put("{}]");
}
}  // namespace

KERNEL(parser) {
  if (length == 0) set_up();
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    Parser parser{document, document + length};
    parser.value();
    sum += parser.bad ? 1 : parser.sum + round;
  }
  return sum;
}
