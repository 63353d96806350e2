// SPDX-License-Identifier: Apache-2.0
// Calls what it is told to call, and returns where it is told to return.
#include <vbpf/vbpf.h>

#include <cstdlib>

#define ENTRY extern "C" __attribute__((section("plugin"), noinline))

namespace {

uint64_t variable;
const uint64_t constant[] = {3, 3};

uint64_t taken() { return 42; }
__attribute__((noinline)) uint64_t return_site() { return reinterpret_cast<uint64_t>(__builtin_return_address(0)); }

}  // namespace

// Addresses of this instance: a function that may be called, a return site, data, constants, stack, heap.
ENTRY uint64_t where(uint64_t what) {
  uint64_t local = 0;
  uint64_t* volatile on_stack = &local;
  uint64_t (*volatile function)() = taken;
  switch (what) {
    case 0:
      return reinterpret_cast<uint64_t>(function);
    case 1: {
      const uint64_t site = return_site();
      asm volatile("");  // no tail call
      return site;
    }
    case 2:
      return reinterpret_cast<uint64_t>(&variable);
    case 3:
      return reinterpret_cast<uint64_t>(constant);
    case 4:
      return reinterpret_cast<uint64_t>(on_stack);
    default:
      return reinterpret_cast<uint64_t>(malloc(64));
  }
}

ENTRY uint64_t call_to(uint64_t target) { return reinterpret_cast<uint64_t (*)()>(target)() + 1; }

ENTRY uint64_t tail_call_to(uint64_t target) { return reinterpret_cast<uint64_t (*)()>(target)(); }

ENTRY uint64_t return_to(uint64_t target) {
  auto* frame = static_cast<volatile uint64_t*>(__builtin_frame_address(0));
  frame[1] = target;
  return 7;
}

// Returns to `site`, which is a return site, with the stack pointer at `stack`, where that is written.
ENTRY uint64_t return_on(uint64_t stack, uint64_t site) {
  *reinterpret_cast<volatile uint64_t*>(stack) = site;
  asm volatile("movq %0, %%rsp\n\tjmp __x86_return_thunk" : : "r"(stack) : "memory");
  __builtin_unreachable();
}
