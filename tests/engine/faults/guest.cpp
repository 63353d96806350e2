// SPDX-License-Identifier: Apache-2.0
// One fault for each entry.
#include <vbpf/plugin.h>

#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace {

volatile bool always = true;
volatile int zero;
const volatile int constant = 1;

int recurse(int depth) {
  volatile char frame[100];
  frame[0] = static_cast<char>(depth);
  return always ? recurse(depth + 1) + frame[0] : 0;
}

struct Base {
  Base() { call(this); }
  virtual int ask() = 0;
  static void call(Base* base) { base->ask(); }
};
struct Derived : Base {
  int ask() override { return 1; }
};

}  // namespace

VBPF_PLUGIN_ENTRY uint64_t fine(uint64_t value) { return value + 1; }
VBPF_PLUGIN_ENTRY uint64_t read_at(const volatile uint64_t* address) { return *address; }
VBPF_PLUGIN_ENTRY void write_at(volatile uint64_t* address, uint64_t value) { *address = value; }
VBPF_PLUGIN_ENTRY uint64_t own_text() { return reinterpret_cast<uint64_t>(&recurse); }
VBPF_PLUGIN_ENTRY uint64_t own_constant() { return reinterpret_cast<uint64_t>(&constant); }
VBPF_PLUGIN_ENTRY int exhaust_stack() { return recurse(0); }
VBPF_PLUGIN_ENTRY int one_large_frame() {
  volatile char frame[1 << 20];
  for (size_t i = sizeof(frame); i-- > 0;) frame[i] = static_cast<char>(i);
  return frame[7];
}
VBPF_PLUGIN_ENTRY int divide_by_zero() { return 7 / zero; }
VBPF_PLUGIN_ENTRY int divide_too_far() { return (INT_MIN + zero) / (zero - 1); }
VBPF_PLUGIN_ENTRY void trap() { __builtin_trap(); }
VBPF_PLUGIN_ENTRY void breakpoint() { __asm__ volatile("int3"); }
VBPF_PLUGIN_ENTRY void give_up() { std::abort(); }
VBPF_PLUGIN_ENTRY int pure_virtual() { return Derived().ask(); }
VBPF_PLUGIN_ENTRY uint64_t exhaust_heap() {
  std::vector<std::unique_ptr<char[]>> all;
  for (;;) {
    all.emplace_back(new char[1 << 20]);
    std::memset(all.back().get(), 1, 1 << 20);
  }
}
VBPF_PLUGIN_ENTRY void loop() {
  while (always) {
  }
}
VBPF_PLUGIN_ENTRY void loop_in_imports() {
  while (always) vbpf_ktime_get_ns();
}
VBPF_PLUGIN_ENTRY void log_at(const char* address, uint64_t length) { vbpf_log_write(address, length); }
VBPF_PLUGIN_ENTRY void abort_at(const char* address, uint64_t length) { vbpf_abort(0, address, length, nullptr); }
