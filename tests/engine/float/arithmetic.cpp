// SPDX-License-Identifier: Apache-2.0
// Arithmetic: its result depends on the rounding mode, and it leaves marks in MXCSR.
#include <vbpf/vbpf.h>

extern "C" __attribute__((section("plugin"))) uint64_t divide(uint64_t a, uint64_t b) {
  return __builtin_bit_cast(
      uint64_t, static_cast<double>(static_cast<int64_t>(a)) / static_cast<double>(static_cast<int64_t>(b)));
}

extern "C" __attribute__((section("plugin"))) uint64_t log_and_divide(uint64_t a, uint64_t b) {
  vbpf_log_write("divide", 6);
  return divide(a, b);
}

extern "C" __attribute__((section("plugin"))) uint64_t crash(uint64_t a, uint64_t b) {
  return *reinterpret_cast<uint64_t*>(divide(a, b));
}
