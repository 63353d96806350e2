// SPDX-License-Identifier: Apache-2.0
#include "memory_meter.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {

size_t in_use = 0, peak = 0;  // the tests that look at these have one thread

void* take(size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  in_use += malloc_usable_size(memory);
  if (in_use > peak) peak = in_use;
  return memory;
}

void give(void* memory) {
  if (memory == nullptr) return;
  in_use -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return take(size); }
void* operator new[](size_t size) { return take(size); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return take(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return take(size); }
void operator delete(void* memory) noexcept { give(memory); }
void operator delete[](void* memory) noexcept { give(memory); }
void operator delete(void* memory, size_t) noexcept { give(memory); }
void operator delete[](void* memory, size_t) noexcept { give(memory); }

namespace vbpf::verifier::test {

namespace {
size_t at_start = 0;
}

void start_metering() { peak = at_start = in_use; }
size_t peak_bytes() { return peak - at_start; }

}  // namespace vbpf::verifier::test
