// SPDX-License-Identifier: Apache-2.0
// Address spaces that came to be by fork(), where the program asked for UFFD_EVENT_FORK: each has a userfaultfd of its
// own, which the kernel gives to whoever reads the event, and which nobody else has.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "server.h"

namespace vbpf::uffd {

struct Child : Space {
  Child(uint64_t number, Target whose, Space& parent) : Space(std::move(whose), parent), id(number) {}
  const uint64_t id;
  std::mutex mutex;
  bool is_removed = false;               // nobody is told of it any more
  std::map<uint64_t, uint64_t> waiting;  // pages and their sizes: faults without an answer
};

// Those that are served. Thread safe.
class Children {
 public:
  // What it takes of the pager's: OnExit, max_children, on_child.
  explicit Children(const Options& options) : options_(options) {}
  Result<void> start();

  // What reading a UFFD_EVENT_FORK brought. Error: it is not served, and why; faults meet what `on_exit` says.
  Result<void> adopt(int descriptor, Space& parent);
  // Reading failed for want of a descriptor: makes one free. False: there was none to spare.
  bool make_room();

  size_t count() const { return count_.load(std::memory_order_acquire); }
  int poll_descriptor() const { return epoll_.get(); }  // readable when ready() has something
  std::vector<std::shared_ptr<Child>> ready();
  // Mappings of it were moved.
  void changed(Child& child);

  // The thread that faulted there is to fault again, later. True: it is the first that is to.
  bool ask_again_later(Child& child, const Fault& fault);
  bool any_waiting() const { return waiting_.load(std::memory_order_relaxed); }
  void ask_again();
  // Closes those whose process has ended: the kernel does not say when.
  void sweep();
  // Nobody answers any more. No thread serves by now.
  void hand_back();

 private:
  void tell(const Child& child, int descriptor, std::vector<Range> ranges) const;
  Result<void> add(const std::shared_ptr<Child>& child);
  void remove(Child& child);
  bool keep_spare();
  std::vector<std::shared_ptr<Child>> all() const;

  const Options& options_;
  File epoll_;
  std::mutex spare_mutex_;
  File spare_;  // closed to make room
  std::atomic<uint64_t> last_id_{0};
  mutable std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Child>> children_;
  std::atomic<size_t> count_{0};
  std::atomic<bool> waiting_{false};
};

}  // namespace vbpf::uffd
