// SPDX-License-Identifier: Apache-2.0
// Memory of this process that is registered with a userfaultfd, and a handler of the old kind beside it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "../extensions/uffd/pages.h"

namespace vbpf::uffd::test {

using namespace numbers;

struct Kind {
  uint64_t features = 0, mode = UFFDIO_REGISTER_MODE_MISSING;
  int flags = O_NONBLOCK;
  int memory = -1;      // a memfd
  bool copies = false;  // of it: what is written is not the file's
  bool handshake = true;
};

class Area {
 public:
  static constexpr size_t page_size = 4096;

  explicit Area(size_t pages = 64, Kind kind = {}) : size_(pages * page_size) {
    descriptor_ = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | kind.flags));
    if (kind.handshake) {
      uffdio_api api{UFFD_API, kind.features, 0};
      EXPECT_EQ(::ioctl(descriptor_, UFFDIO_API, &api), 0) << std::strerror(errno);
    }
    const int shared = kind.memory < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : kind.copies ? MAP_PRIVATE : MAP_SHARED;
    memory_ = static_cast<uint8_t*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, shared, kind.memory, 0));
    EXPECT_NE(static_cast<void*>(memory_), MAP_FAILED);
    if (!kind.handshake) return;
    uffdio_register all{{start(), size_}, kind.mode, 0};
    EXPECT_EQ(::ioctl(descriptor_, UFFDIO_REGISTER, &all), 0) << std::strerror(errno);
  }
  ~Area() {
    ::close(descriptor_);
    ::munmap(memory_, size_);
  }
  Area(const Area&) = delete;
  Area& operator=(const Area&) = delete;

  int descriptor() const { return descriptor_; }
  uint64_t start() const { return reinterpret_cast<uint64_t>(memory_); }
  size_t size() const { return size_; }
  volatile uint8_t* at(uint64_t page) const { return memory_ + page * page_size; }
  // The first word of a page, which this touches.
  uint64_t word(uint64_t page) const { return *reinterpret_cast<volatile uint64_t*>(memory_ + page * page_size); }
  bool holds(uint64_t page, uint64_t value) const {
    for (size_t i = 0; i < page_size; i += 8) {
      uint64_t word = 0;
      std::memcpy(&word, memory_ + page * page_size + i, 8);
      if (word != value) return false;
    }
    return true;
  }

 private:
  size_t size_;
  int descriptor_ = -1;
  uint8_t* memory_ = nullptr;
};

// Reads the descriptor and gives pages of 0xab, as programs do that have no extension.
class OldHandler {
 public:
  explicit OldHandler(int descriptor) : descriptor_(descriptor), thread_([this] { serve(); }) {}
  ~OldHandler() {
    done_ = true;
    thread_.join();
  }
  OldHandler(const OldHandler&) = delete;
  OldHandler& operator=(const OldHandler&) = delete;
  int served() const { return served_; }
  static constexpr uint64_t word = 0xabababababababab;

 private:
  void serve() {
    alignas(4096) static thread_local uint8_t bytes[4096];
    std::memset(bytes, 0xab, sizeof(bytes));
    while (!done_) {
      pollfd waiting{descriptor_, POLLIN, 0};
      ::poll(&waiting, 1, 10);
      uffd_msg message;
      if (::read(descriptor_, &message, sizeof(message)) != sizeof(message)) continue;
      if (message.event != UFFD_EVENT_PAGEFAULT) continue;
      uffdio_copy copy{message.arg.pagefault.address & ~uint64_t{4095}, reinterpret_cast<uint64_t>(bytes), 4096, 0, 0};
      if (::ioctl(descriptor_, UFFDIO_COPY, &copy) == 0) ++served_;
    }
  }
  int descriptor_;
  std::atomic<bool> done_{false};
  std::atomic<int> served_{0};
  std::thread thread_;
};

}  // namespace vbpf::uffd::test
