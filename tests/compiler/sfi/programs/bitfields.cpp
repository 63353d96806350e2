// SPDX-License-Identifier: Apache-2.0
#include "program.h"

namespace program {
namespace {
struct Flags {
  uint64_t a : 3, b : 17, c : 40;
  int32_t d : 5;
  unsigned e : 1, f : 11;
  int64_t g : 33;
};
struct __attribute__((packed)) Packed {
  uint8_t a;
  uint32_t b;
  uint16_t c : 9, d : 7;
  uint64_t e;
};

__attribute__((noinline)) void mutate(Flags* flags, Packed* packed, Random& random) {
  flags->a += random.next();
  flags->b ^= random.next();
  flags->c = flags->c * 3 + random.next();
  flags->d -= 1;
  flags->e = !flags->e;
  flags->f |= random.below(2048);
  flags->g = flags->g - static_cast<int64_t>(random.next() >> 40);
  packed->a ^= static_cast<uint8_t>(flags->f);
  packed->b += flags->b;
  packed->c = packed->d;
  packed->d += flags->a;
  packed->e = __builtin_bswap64(packed->e + packed->b);
}
}  // namespace
}  // namespace program

PROGRAM(bitfields) {
  using namespace program;
  Random random(seed);
  Flags flags[8] = {};
  Packed packed[8] = {};
  uint64_t hash = seed;
  for (int i = 0; i < 500; ++i) {
    const unsigned k = random.below(8);
    mutate(&flags[k], &packed[k], random);
    hash = fold(hash, flags[k].a + flags[k].b + flags[k].c);
    hash = fold(hash, static_cast<uint64_t>(flags[k].d + flags[k].g) + flags[k].e + flags[k].f);
    hash = fold(hash, packed[k].a + packed[k].b + packed[k].c + packed[k].d + packed[k].e);
  }
  return hash;
}
