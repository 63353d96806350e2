// SPDX-License-Identifier: Apache-2.0
#include "handler_call.h"

#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "signals.h"
#include "thread.h"

extern "C" [[gnu::visibility("hidden")]] void vbpf_call_on_stack(void (*function)(void*), void* argument, void* top);

namespace vbpf {
namespace {

constexpr unsigned ss_autodisarm = 1u << 31;  // SS_AUTODISARM of <linux/signal.h>, which does not go with <csignal>
constexpr size_t largest_argument = 256, stack_size = size_t{256} << 10, saved_size = size_t{256} << 10;

// What a call needs that is on no stack that a signal may come on.
struct Job {
  void (*function)(void*);
  alignas(16) std::byte argument[largest_argument];
  std::byte* from;  // the part of the alternate stack that is in use
  size_t used;
};

// Of a thread, for its life: a job, a stack to run it on, two alternate stacks, and room for the one that is in use.
class Room {
 public:
  Room() : memory_(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ~Room() {
    if (!*this) return;
    stack_t now{};
    ::sigaltstack(nullptr, &now);
    stack_t off{};
    off.ss_flags = SS_DISABLE;
    // A handler that was left by longjmp() has left one of these behind.
    if (now.ss_sp == alternate_stack(0) || now.ss_sp == alternate_stack(1)) ::sigaltstack(&off, nullptr);
    ::munmap(memory_, size);
  }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  explicit operator bool() const { return memory_ != MAP_FAILED; }

  Job& job() const { return *static_cast<Job*>(memory_); }
  std::byte* saved() const { return at(4096); }
  std::byte* stack_top() const { return at(4096 + saved_size + stack_size); }
  // One of the two on which the caller does not run.
  std::byte* free_alternate_stack() const {
    const auto* const here = static_cast<std::byte*>(__builtin_frame_address(0));
    const bool on_first = here >= alternate_stack(0) && here < alternate_stack(1);
    return alternate_stack(on_first ? 1 : 0);
  }

 private:
  static constexpr size_t size = 4096 + saved_size + 3 * stack_size;
  std::byte* alternate_stack(size_t number) const { return at(4096 + saved_size + (1 + number) * stack_size); }
  std::byte* at(size_t offset) const { return static_cast<std::byte*>(memory_) + offset; }
  void* memory_;
};

Room& room() {
  static thread_local Room room;
  return room;
}

void run(const Job& job) { job.function(const_cast<std::byte*>(job.argument)); }

// On a stack of its own: a signal overwrites the handler's frames, which are put back.
void run_saving(void* raw) {
  const Job& job = *static_cast<Job*>(raw);
  std::byte* const saved = room().saved();
  std::memcpy(saved, job.from, job.used);
  run(job);
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);  // one that comes late may not find it half restored
  std::memcpy(job.from, saved, job.used);
}

// What the thread had been made ready for when the signal came.
struct Before {
  bool attached = current_thread != nullptr;
  bool left_rseq = attached && current_thread->left_rseq;
};

// The kernel restores what it saved when the signal came. What this thread has got since then stays.
void keep_what_was_set(ucontext_t& context, const Before& before) {
  if (current_thread == nullptr || (before.attached && before.left_rseq == current_thread->left_rseq)) return;
  ::sigaltstack(nullptr, &context.uc_stack);
  context.uc_stack.ss_flags &= ~SS_ONSTACK;
  keep_signals_unblocked(context.uc_sigmask);
}

}  // namespace

bool call_from_handler(ucontext_t& context, void (*function)(void*), void* argument, size_t size) {
  const Room& mine = room();
  if (!mine || size > largest_argument) return false;
  Job& job = mine.job();
  job.function = function;
  std::memcpy(job.argument, argument, size);
  const Before before;
  // The kernel says in the context what the thread had when the signal came.
  const stack_t& given = context.uc_stack;
  auto* const start = static_cast<std::byte*>(given.ss_sp);
  auto* const here = static_cast<std::byte*>(__builtin_frame_address(0));
  const bool on_it = (given.ss_flags & SS_DISABLE) == 0 && here >= start && here < start + given.ss_size;
  const bool disarmed = on_it && (static_cast<unsigned>(given.ss_flags) & ss_autodisarm) != 0;
  if (on_it && !disarmed) {
    // Below this frame and what it calls nothing is alive.
    job.from = std::max(here - 1024, start);
    job.used = static_cast<size_t>(start + given.ss_size - job.from);
    if (job.used > saved_size) return false;
    vbpf_call_on_stack(run_saving, &job, mine.stack_top());
  } else {
    // It comes back when the handler returns; until then there is another.
    stack_t another{};
    another.ss_sp = mine.free_alternate_stack();
    another.ss_size = stack_size;
    another.ss_flags = static_cast<int>(ss_autodisarm);
    if (disarmed && ::sigaltstack(&another, nullptr) != 0) return false;
    run(job);
  }
  std::memcpy(argument, job.argument, size);
  keep_what_was_set(context, before);
  return true;
}

}  // namespace vbpf
