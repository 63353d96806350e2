// SPDX-License-Identifier: Apache-2.0
// A facility test is an entry that answers 0, or the line of the check that failed.
#pragma once
#include <vbpf/plugin.h>

#define FACILITY(name) VBPF_PLUGIN_ENTRY uint64_t test_##name([[maybe_unused]] uint64_t seed)
#define CHECK(condition) \
  if (!(condition)) return __LINE__
// Keeps the optimiser from knowing a value.
template <typename T>
T opaque(T value) {
  __asm__ volatile("" : "+r"(value));
  return value;
}
