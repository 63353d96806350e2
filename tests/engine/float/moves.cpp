// SPDX-License-Identifier: Apache-2.0
// Vector registers, but no arithmetic.
#include <vbpf/vbpf.h>

struct Block {
  uint64_t words[4];
};
static Block from{{1, 2, 3, 4}}, to;

extern "C" __attribute__((section("plugin"))) uint64_t copy(uint64_t first) {
  from.words[0] = first;
  to = from;
  return to.words[0] + to.words[3];
}

extern "C" __attribute__((section("plugin"))) uint64_t log_and_copy(uint64_t first) {
  vbpf_log_write("copy", 4);
  return copy(first);
}
