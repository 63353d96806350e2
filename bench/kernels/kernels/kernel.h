// SPDX-License-Identifier: Apache-2.0
// Kernels: the inner work of extensions, compiled from one source as native code and as an extension.
#pragma once

#include <cstddef>
#include <cstdint>

// A kernel does its work `rounds` times on data it makes at the first call, and returns a number that depends on all of
// it.
#ifdef VBPF_NATIVE_KERNEL
#define KERNEL(name) extern "C" uint64_t kernel_##name(uint64_t rounds)
#else
#define KERNEL(name) extern "C" __attribute__((section("plugin/" #name))) uint64_t kernel_##name(uint64_t rounds)
#endif

namespace kernel {

struct Random {
  uint64_t state = 0x9e3779b97f4a7c15;
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>((next() >> 32) * limit >> 32); }
};

}  // namespace kernel
