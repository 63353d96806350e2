// SPDX-License-Identifier: Apache-2.0
// Page faults of 4 KiB that an extension in the kernel answers, beside the other ways.
//
//   fault_count           instructions of a fault, where the time stamp counter ticks once for each (scripts/vm
//   --icount) fault_count --scale   how much faster two threads on two CPUs are than one
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "resident.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

namespace {

constexpr size_t page_size = 4096;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "fault_count: %s\n", what.c_str());
  std::exit(1);
}
void check(bool good, const char* what) {
  if (!good) fail(std::string(what) + ": " + std::strerror(errno));
}

uint64_t address_of(const void* where) { return reinterpret_cast<uint64_t>(where); }

// Private memory, of a file or of none.
class Memory {
 public:
  explicit Memory(size_t pages, int file = -1) : pages(pages) {
    bytes = static_cast<uint8_t*>(::mmap(nullptr, pages * page_size, PROT_READ | PROT_WRITE,
                                         MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS : 0), file, 0));
    check(bytes != MAP_FAILED, "mmap");
    ::madvise(bytes, pages * page_size, MADV_NOHUGEPAGE);
  }
  ~Memory() { ::munmap(bytes, pages * page_size); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  uint8_t* bytes;
  const size_t pages;
};

// A userfaultfd for it.
class Registered {
 public:
  explicit Registered(const Memory& memory, int flags = 0, uint64_t features = 0)
      : descriptor(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | flags))) {
    uffdio_api api{UFFD_API, features, 0};
    uffdio_register all{{address_of(memory.bytes), memory.pages * page_size}, UFFDIO_REGISTER_MODE_MISSING, 0};
    check(::ioctl(descriptor, UFFDIO_API, &api) == 0 && ::ioctl(descriptor, UFFDIO_REGISTER, &all) == 0, "userfaultfd");
  }
  ~Registered() { ::close(descriptor); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;
  const int descriptor;
};

void give(int descriptor, uint64_t at) {
  alignas(page_size) static uint8_t page[page_size];
  uffdio_copy copy{at, address_of(page), page_size, 0, 0};
  ::ioctl(descriptor, UFFDIO_COPY, &copy);
}

// What programs have: poll, read, copy.
class HandlerThread {
 public:
  explicit HandlerThread(int descriptor) : thread_([this, descriptor] { serve(descriptor); }) {}
  ~HandlerThread() {
    done_ = true;
    thread_.join();
  }
  HandlerThread(const HandlerThread&) = delete;
  HandlerThread& operator=(const HandlerThread&) = delete;

 private:
  void serve(int descriptor) {
    while (!done_) {
      pollfd waiting{descriptor, POLLIN, 0};
      ::poll(&waiting, 1, 10);
      uffd_msg message;
      if (::read(descriptor, &message, sizeof(message)) == sizeof(message))
        give(descriptor, message.arg.pagefault.address & ~(page_size - 1));
    }
  }
  std::atomic<bool> done_{false};
  std::thread thread_;
};

vbpf::kernel::Resident answer(const char* object, const std::vector<int>& descriptors) {
  vbpf::kernel::ResidentOptions options;
  options.name = "faults";
  options.budget = std::chrono::seconds(1);
  auto resident = vbpf::kernel::Resident::load(object, options);
  if (!resident) fail(resident.error().message);
  for (const int descriptor : descriptors) {
    if (const auto done = resident->answer({descriptor, ::getpid(), 0, 0}); !done) fail(done.error().message);
  }
  return std::move(*resident);
}

// Ticks for each page that is written to.
double touch(const Memory& memory) {
  const uint64_t begin = __rdtsc();
  for (size_t i = 0; i < memory.pages; ++i) *reinterpret_cast<volatile uint64_t*>(memory.bytes + i * page_size + 8) = i;
  return static_cast<double>(__rdtsc() - begin) / static_cast<double>(memory.pages);
}

// The least of several rounds: an interrupt can only add.
double least(const std::function<double()>& round) {
  double best = 1e18;
  for (int i = 0; i < 5; ++i) best = std::min(best, round());
  return best;
}

constexpr size_t pages = 2000;

double count_anonymous() {
  return least([] {
    const Memory memory(pages);
    return touch(memory);
  });
}
double count_file() {
  const int file = ::memfd_create("file", MFD_CLOEXEC);
  check(::fallocate(file, 0, 0, pages * page_size) == 0, "fallocate");
  const double count = least([file] {
    const Memory memory(pages, file);
    return touch(memory);
  });
  ::close(file);
  return count;
}
double count_handler() {
  return least([] {
    const Memory memory(pages);
    const Registered registered(memory);
    const HandlerThread handler(registered.descriptor);
    return touch(memory);
  });
}
int signal_descriptor;
double count_signal() {
  return least([] {
    const Memory memory(pages);
    const Registered registered(memory, UFFD_USER_MODE_ONLY, UFFD_FEATURE_SIGBUS);
    signal_descriptor = registered.descriptor;
    struct sigaction action{};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) {
      give(signal_descriptor, address_of(info->si_addr) & ~(page_size - 1));
    };
    ::sigaction(SIGBUS, &action, nullptr);
    return touch(memory);
  });
}
double count_extension(const char* object) {
  return least([object] {
    const Memory memory(pages);
    const Registered registered(memory);
    const auto resident = answer(object, {registered.descriptor});
    const double count = touch(memory);
    const auto info = resident.info();
    if (!info || info->userfault_verdicts[1] + info->userfault_verdicts[2] != pages) fail("not all were answered");
    return count;
  });
}

void print(const char* name, double count, double anonymous, double handler, const char* target) {
  std::printf("| %s | %.0f | %.2f | %.2f | %s |\n", name, count, count / anonymous, count / handler, target);
  std::fflush(stdout);
}

void count_all() {
  const double anonymous = count_anonymous(), handler = count_handler();
  std::printf(
      "\n| a page of 4 KiB that is written to | instructions | × plain memory | × handler thread | target |\n"
      "|---|---|---|---|---|\n");
  print("plain anonymous memory", anonymous, anonymous, handler, "");
  print("private mapping of a file", count_file(), anonymous, handler, "");
  print("handler thread: poll, read, COPY", handler, anonymous, handler, "");
  print("SIGBUS and COPY in the thread", count_signal(), anonymous, handler, "");
  print("extension in the kernel, RESOLVE", count_extension(NUMBER_OBJECT), anonymous, handler, "≤ 1.5 ×, ≤ 0.4 ×");
  print("extension in the kernel, ZERO", count_extension(ZERO_OBJECT), anonymous, handler, "");
}

// Faults a second of so many threads, each on a CPU and memory of its own.
double rate(unsigned threads) {
  constexpr size_t each = 20000;
  std::vector<std::unique_ptr<Memory>> memories;
  std::vector<std::unique_ptr<Registered>> all;
  std::vector<int> descriptors;
  for (unsigned i = 0; i < threads; ++i) {
    memories.push_back(std::make_unique<Memory>(each));
    all.push_back(std::make_unique<Registered>(*memories.back()));
    descriptors.push_back(all.back()->descriptor);
  }
  const auto resident = answer(NUMBER_OBJECT, descriptors);
  std::atomic<unsigned> ready{0};
  std::vector<std::thread> running;
  const auto work = [&](unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    ::sched_setaffinity(0, sizeof(set), &set);
    ++ready;
    while (ready != threads) {
    }
    touch(*memories[cpu]);
  };
  for (unsigned i = 1; i < threads; ++i) running.emplace_back(work, i);
  while (ready != threads - 1) std::this_thread::yield();
  const auto begin = std::chrono::steady_clock::now();
  work(0);
  for (std::thread& thread : running) thread.join();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(threads * each) / time.count();
}

void scale() {
  std::vector<double> ratios;
  for (int round = 0; round < 7; ++round) {
    const double one = rate(1);
    ratios.push_back(rate(2) / one);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("\n| two threads on two CPUs, faults a second | × one thread, median of %zu | target |\n|---|---|---|\n",
              ratios.size());
  std::printf("| extension in the kernel, RESOLVE | %.2f | ≥ 1.8 × |\n", ratios[ratios.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "--scale") {
    scale();
  } else {
    count_all();
  }
}
