// SPDX-License-Identifier: Apache-2.0
// What a thread needs before it may enter an extension, and what the watchdog sees of it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "vbpf/abi.h"
#include "vbpf/extension.h"

namespace vbpf {

struct Domain;

struct ThreadState {
  // Written by the thread, read by the watchdog. Odd while a call runs; never the same value twice.
  alignas(64) std::atomic<uint64_t> sequence{0};
  std::atomic<const Domain*> domain{nullptr};      // has the budget
  std::atomic<uint64_t> invocations{1};            // of the call
  std::atomic<const uint32_t*> progress{nullptr};  // counts invocations done; in memory of the extension, so a hint
  pid_t tid = 0;

  // What vbpf_abort() was given.
  char message[512];
  uint32_t message_size = 0;
  uint64_t random = 0;
  uint64_t gs_base = 0;
  bool left_rseq = false;

  // The watchdog's own.
  uint64_t seen_sequence = 0, seen_budget = 10'000'000;
  uint32_t seen_progress = 0;
  uint64_t since = 0, call_since = 0;  // ns of the thread's CPU time
};

// This thread, made ready for calls: an alternate signal stack, our signals unblocked, the watchdog running.
// With `pku` also taken out of restartable sequences, which the kernel could not update while key 0 is closed.
Result<ThreadState*> attach_thread(bool pku);

// This thread's state once attach_thread() has been here.
extern __thread ThreadState* current_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

// Points GS at a region, of which the info page is mapped. It stays there after the call: reading or writing the base
// costs more than all the rest of a call, so it is written only when the thread changes to another region. A host that
// changes GS base itself is noticed by what lies there, or gets a fault of its own.
[[gnu::always_inline]] inline void set_gs_base(ThreadState& thread, uint64_t base) {
  if (thread.gs_base == base) [[likely]] {
    uint64_t there = 0;
    asm volatile("movq %%gs:%c1, %0" : "=r"(there) : "i"(VBPF_OFF_INFO));
    if (there == base) [[likely]]
      return;
  }
  asm volatile("wrgsbase %0" : : "r"(base));
  thread.gs_base = base;
}

}  // namespace vbpf
