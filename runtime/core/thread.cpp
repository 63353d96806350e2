// SPDX-License-Identifier: Apache-2.0
#include "thread.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "signals.h"
#include "watchdog.h"

namespace vbpf {

__thread ThreadState* current_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

namespace {

constexpr unsigned ss_autodisarm = 1u << 31;  // SS_AUTODISARM of <linux/signal.h>, which does not go with <csignal>

constexpr size_t guard_size = 4096;

// A signal's frame with all of the CPU's vector state, and room for handlers that are chained to.
size_t alternate_stack_size() { return std::max<size_t>(64 << 10, ::getauxval(AT_MINSIGSTKSZ) + (32 << 10)); }

// Owns what attach_thread() made, for the life of the thread.
struct Attachment {
  ThreadState state;
  std::byte* stack = nullptr;

  ~Attachment() {
    current_thread = nullptr;
    Watchdog::instance().remove(state);
    if (stack == nullptr) return;
    stack_t off{};
    off.ss_flags = SS_DISABLE;
    if (::sigaltstack(&off, nullptr) == 0) ::munmap(stack, guard_size + alternate_stack_size());
  }
};

Result<void> set_alternate_stack(const stack_t& stack) {
  if (::sigaltstack(&stack, nullptr) == 0) return {};
  return Error{ErrorKind::machine, std::string("cannot set an alternate signal stack: ") + std::strerror(errno) +
                                       "; extensions cannot be called from a signal handler"};
}

Result<void> give_alternate_stack(Attachment& attachment) {
  stack_t now{};
  ::sigaltstack(nullptr, &now);
  if ((now.ss_flags & SS_DISABLE) == 0) {
    if (now.ss_size >= ::getauxval(AT_MINSIGSTKSZ) + 4096) return {};
    return Error{ErrorKind::machine, "this thread's alternate signal stack is too small for a report of a fault: " +
                                         std::to_string(now.ss_size) + " bytes; give it 64 KiB"};
  }
  const size_t size = alternate_stack_size();
  void* memory = ::mmap(nullptr, guard_size + size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return Error{ErrorKind::machine, "no memory for an alternate signal stack"};
  ::mprotect(memory, guard_size, PROT_NONE);
  attachment.stack = static_cast<std::byte*>(memory);
  stack_t stack{};
  stack.ss_sp = attachment.stack + guard_size;
  stack.ss_size = size;
  return set_alternate_stack(stack);
}

// Without SS_AUTODISARM the kernel takes a %rsp inside the alternate stack for a handler that runs there already, and
// goes on below it. Under SFI %rsp is in the region; under PKU the extension could aim it there.
Result<void> distrust_stack_pointer() {
  stack_t now{};
  ::sigaltstack(nullptr, &now);
  now.ss_flags = static_cast<int>(ss_autodisarm);
  return set_alternate_stack(now);
}

long rseq_call(struct rseq* area, int flags) {
  constexpr uint32_t registered_size = 32;  // what glibc registers, whatever __rseq_size says is of use
  return ::syscall(SYS_rseq, area, registered_size, flags, RSEQ_SIG);
}

// The kernel writes to a registered thread's area at any time, and ends the process when it cannot.
Result<void> leave_rseq() {
  auto* area = reinterpret_cast<struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
  // A thread made by one that has left is not registered to begin with.
  if (__rseq_size != 0 && static_cast<int32_t>(area->cpu_id) >= 0 && rseq_call(area, RSEQ_FLAG_UNREGISTER) != 0) {
    return Error{ErrorKind::machine, std::string("cannot take this thread out of restartable sequences: ") +
                                         std::strerror(errno) +
                                         "; start the program with GLIBC_TUNABLES=glibc.pthread.rseq=0"};
  }
  // Nor is it registered by somebody else, if it can be registered now.
  alignas(32) struct rseq probe{};
  if (rseq_call(&probe, 0) == 0) {
    rseq_call(&probe, RSEQ_FLAG_UNREGISTER);
    return {};
  }
  if (errno == ENOSYS) return {};
  return Error{ErrorKind::machine,
               "this thread uses restartable sequences by a library other than glibc, which PKU confinement rules out; "
               "use SFI (--confine sfi)"};
}

// The watchdog's thread is not in the child of a fork; the thread that is attaches again at its next call.
void register_fork_handlers() {
  static const int registered =
      ::pthread_atfork([] { Watchdog::instance().before_fork(); }, [] { Watchdog::instance().after_fork_in_parent(); },
                       [] {
                         current_thread = nullptr;
                         Watchdog::instance().after_fork_in_child();
                       });
  (void)registered;
}

}  // namespace

Result<ThreadState*> attach_thread(bool pku) {
  register_fork_handlers();
  static thread_local Attachment attachment;
  ThreadState& state = attachment.state;
  if (current_thread == nullptr) {
    if (attachment.stack == nullptr) VBPF_CHECK(give_alternate_stack(attachment));
    state.tid = ::gettid();
    state.sequence.store(0);
    state.gs_base = 0;
    if (::getrandom(&state.random, sizeof(state.random), 0) != sizeof(state.random))
      return Error{ErrorKind::machine, std::string("getrandom: ") + std::strerror(errno)};
    state.random |= 1;
    VBPF_CHECK(install_signals());
    unblock_signals();
    VBPF_CHECK(Watchdog::instance().add(state));
    current_thread = &state;
  }
  if (pku && !state.left_rseq) {
    VBPF_CHECK(distrust_stack_pointer());
    VBPF_CHECK(leave_rseq());
    state.left_rseq = true;
  }
  return &state;
}

}  // namespace vbpf
