// SPDX-License-Identifier: Apache-2.0
#include "watchdog.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "signals.h"

namespace vbpf {
namespace {

constexpr uint64_t never = ~uint64_t{0};
constexpr uint64_t shortest_sleep = 50'000, longest_sleep = 10'000'000;  // ns
constexpr uint64_t idle_before_parking = 100'000'000;                    // ns

uint64_t read_clock(clockid_t clock) {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return 0;
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// A thread's CPU time, by the kernel's encoding of such clocks: a thread that waits for a CPU spends no budget.
clockid_t cpu_clock_of(pid_t tid) {
  constexpr uint32_t per_thread_scheduled = 6;
  return static_cast<clockid_t>(~static_cast<uint32_t>(tid) << 3 | per_thread_scheduled);
}

void sleep_for(uint64_t ns) {
  const timespec time{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

bool membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

uint64_t saturating_product(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? never : product;
}

}  // namespace

constinit Watchdog::Storage Watchdog::Storage::storage;

Result<void> Watchdog::add(ThreadState& thread) {
  const std::scoped_lock lock(mutex_);
  if (!started_) VBPF_CHECK(start());
  if (std::find(threads_.begin(), threads_.end(), &thread) == threads_.end()) threads_.push_back(&thread);
  return {};
}

void Watchdog::remove(ThreadState& thread) {
  const std::scoped_lock lock(mutex_);
  std::erase(threads_, &thread);
}

void Watchdog::after_fork_in_child() {
  threads_.clear();
  started_ = false;
  parked_.store(0);
  mutex_.unlock();
}

Result<void> Watchdog::start() {
  can_park_ = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  // No signal of the program is for this thread, but SIGSEGV, which opens protection keys.
  sigset_t all, before;
  sigfillset(&all);
  sigdelset(&all, SIGSEGV);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, 128 << 10);
  const int error = ::pthread_create(
      &thread, &attributes,
      [](void* self) -> void* {
        ::pthread_setname_np(::pthread_self(), "vbpf-watchdog");
        static_cast<Watchdog*>(self)->run();
      },
      this);
  ::pthread_attr_destroy(&attributes);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return Error{ErrorKind::machine, std::string("cannot start the watchdog: ") + std::strerror(error)};
  started_ = true;
  return {};
}

void Watchdog::run() {
  uint64_t last_active = read_clock(CLOCK_MONOTONIC);
  for (;;) {
    const uint64_t now = read_clock(CLOCK_MONOTONIC);
    const uint64_t shortest = scan();
    if (shortest != never) last_active = now;
    if (can_park_ && now - last_active >= idle_before_parking) {
      park();
      last_active = read_clock(CLOCK_MONOTONIC);
    } else {
      sleep_for(std::clamp(shortest / 4, shortest_sleep, longest_sleep));
    }
  }
}

// Ends what is over its budget. Returns the shortest budget of a running call, `never` if none runs.
uint64_t Watchdog::scan() {
  const std::scoped_lock lock(mutex_);
  uint64_t shortest = never;
  for (ThreadState* thread : threads_) {
    const uint64_t sequence = thread->sequence.load(std::memory_order_acquire);
    if ((sequence & 1) == 0) continue;
    const Domain* domain = thread->domain.load(std::memory_order_relaxed);
    const uint64_t invocations = thread->invocations.load(std::memory_order_relaxed);
    const uint32_t* counter = thread->progress.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (thread->sequence.load(std::memory_order_relaxed) != sequence) {
      // It is quick. What was loaded may belong to different calls.
      shortest = std::min(shortest, thread->seen_budget);
      continue;
    }
    const uint64_t budget = thread->seen_budget = domain->budget;
    shortest = std::min(shortest, budget);
    const uint32_t progress = counter == nullptr ? 0 : __atomic_load_n(counter, __ATOMIC_RELAXED);
    const uint64_t now = read_clock(cpu_clock_of(thread->tid));
    if (sequence != thread->seen_sequence) {
      thread->seen_sequence = sequence;
      thread->call_since = thread->since = now;
    } else if (progress != thread->seen_progress) {
      thread->since = now;
    }
    thread->seen_progress = progress;
    // The extension can write the counter, so progress alone does not keep a call alive.
    if (now - thread->since >= budget || now - thread->call_since >= saturating_product(budget, invocations))
      send_budget_signal(thread->tid, sequence);
  }
  return shortest;
}

// Sleeps until a call begins. A call that begins before parked_ is seen is seen by the scan: membarrier() puts a full
// fence into every thread between its store of the sequence number and its load of parked_.
void Watchdog::park() {
  parked_.store(1, std::memory_order_seq_cst);
  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  if (scan() == never) {
    while (parked_.load(std::memory_order_acquire) == 1)
      ::syscall(SYS_futex, &parked_, FUTEX_WAIT_PRIVATE, 1, nullptr, nullptr, 0);
  }
  parked_.store(0, std::memory_order_relaxed);
}

void Watchdog::wake() {
  if (parked_.exchange(0) == 1) ::syscall(SYS_futex, &parked_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace vbpf
