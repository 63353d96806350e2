// SPDX-License-Identifier: Apache-2.0
// Messages that one thread reads and others handle. It allocates nothing: a thread in fork() has locked the allocator,
// and waits until its event has been read.
#pragma once

#include <linux/userfaultfd.h>
#include <sys/eventfd.h>

#include <array>
#include <mutex>

#include "file.h"

namespace vbpf::uffd {

// Thread safe.
class Backlog {
 public:
  Result<void> start() {
    filled_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
    if (!filled_) return system_error("no event descriptor", errno);
    return {};
  }
  // False: it is full.
  bool push(const uffd_msg& message) {
    {
      const std::scoped_lock lock(mutex_);
      if (size_ == messages_.size()) return false;
      messages_[(first_ + size_++) % messages_.size()] = message;
    }
    ::eventfd_write(filled_.get(), 1);
    return true;
  }
  // False: there is none.
  bool pop(uffd_msg& message) {
    eventfd_t one = 0;
    if (::eventfd_read(filled_.get(), &one) != 0) return false;
    const std::scoped_lock lock(mutex_);
    message = messages_[first_++ % messages_.size()];
    --size_;
    return true;
  }
  bool empty() {
    const std::scoped_lock lock(mutex_);
    return size_ == 0;
  }
  int poll_descriptor() const { return filled_.get(); }  // readable unless it is empty

 private:
  File filled_;  // counts them
  std::mutex mutex_;
  std::array<uffd_msg, 4096> messages_{};
  size_t first_ = 0, size_ = 0;
};

}  // namespace vbpf::uffd
