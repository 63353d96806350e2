// SPDX-License-Identifier: Apache-2.0
// Does what the tests of the library ask of it. Built with each kind of concurrency.
#include <vbpf/plugin.h>
#include <vbpf/xdp.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vbpf/vbpf.hpp>
#include <vector>

#ifdef CONCURRENCY
VBPF_MANIFEST(.concurrency = CONCURRENCY);
#endif

namespace {

uint64_t plain_counter = 0;
std::atomic<uint64_t> atomic_counter = 0;
volatile bool forever = true;
std::vector<int> constructed(100, 1);

int exhaust_stack(int depth) {
  volatile char frame[256];
  frame[0] = static_cast<char>(depth);
  return forever ? exhaust_stack(depth + 1) + frame[0] : 0;
}

}  // namespace

VBPF_PLUGIN_ENTRY uint64_t sum(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

// Not atomic on purpose: correct only if one thread is inside at a time.
VBPF_PLUGIN_ENTRY uint64_t count(uint64_t times) {
  for (uint64_t i = 0; i < times; ++i) plain_counter = plain_counter + static_cast<uint64_t>(constructed[i % 100]);
  return plain_counter;
}

VBPF_PLUGIN_ENTRY uint64_t count_atomically(uint64_t times) {
  for (uint64_t i = 0; i < times; ++i) atomic_counter.fetch_add(1, std::memory_order_relaxed);
  return atomic_counter;
}

VBPF_PLUGIN_ENTRY uint64_t checksum(const uint8_t* bytes, uint64_t size) {
  uint64_t total = 0;
  for (uint64_t i = 0; i < size; ++i) total += bytes[i];
  return total;
}

VBPF_PLUGIN_ENTRY uint64_t dereference(volatile uint64_t* address) { return *address; }
VBPF_PLUGIN_ENTRY uint64_t divide(uint64_t by) { return (plain_counter + 100) / by; }
VBPF_PLUGIN_ENTRY uint64_t overflow() { return static_cast<uint64_t>(exhaust_stack(0)); }
VBPF_PLUGIN_ENTRY uint64_t give_up() { abort(); }
VBPF_PLUGIN_ENTRY uint64_t trap() { __builtin_trap(); }
VBPF_PLUGIN_ENTRY uint64_t spin() {
  while (forever) {
  }
  return 0;
}
VBPF_PLUGIN_ENTRY uint64_t say(uint64_t number) {
  vbpf::log("number {}", number);
  return 0;
}
VBPF_PLUGIN_ENTRY uint64_t use_heap(uint64_t rounds) {
  std::vector<std::string> strings;
  for (uint64_t i = 0; i < rounds; ++i) strings.push_back(std::string(i % 300, 'x'));
  uint64_t total = 0;
  for (const std::string& string : strings) total += string.size();
  return total;
}

VBPF_XDP_ENTRY(third_crashes)(vbpf_xdp* ctx) {
  if (ctx->rx_queue_index == 2) *reinterpret_cast<volatile int*>(ctx->egress_ifindex) = 1;
  return static_cast<int>(ctx->rx_queue_index % 5);
}
