// SPDX-License-Identifier: Apache-2.0
// What a thread needs before it may enter an extension, and what the watchdog sees of it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "vbpf/extension.h"

namespace vbpf {

struct ThreadState {
  // Written by the thread, read by the watchdog. Odd while a call runs; never the same value twice.
  alignas(64) std::atomic<uint64_t> sequence{0};
  std::atomic<uint64_t> budget{0};                 // ns, for one invocation
  std::atomic<uint64_t> invocations{1};            // of the call
  std::atomic<const uint32_t*> progress{nullptr};  // counts invocations done; in memory of the extension, so a hint
  uint64_t counter = 0;
  pid_t tid = 0;

  // What vbpf_abort() was given.
  char message[512];
  uint32_t message_size = 0;
  uint64_t random = 0;
  bool left_rseq = false;

  // The watchdog's own.
  uint64_t seen_sequence = 0;
  uint32_t seen_progress = 0;
  uint64_t since = 0, call_since = 0;  // ns
};

// This thread, made ready for calls: an alternate signal stack, our signals unblocked, the watchdog running.
// With `pku` also taken out of restartable sequences, which the kernel could not update while key 0 is closed.
Result<ThreadState*> attach_thread(bool pku);

// This thread's state once attach_thread() has been here.
extern __thread ThreadState* current_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

// GS base of this thread.
inline void set_gs_base(uint64_t base) {
  uint64_t now = 0;
  asm volatile("rdgsbase %0" : "=r"(now));
  if (now != base) asm volatile("wrgsbase %0" : : "r"(base));
}

}  // namespace vbpf
