// SPDX-License-Identifier: Apache-2.0
// The running instances of an extension: one for each queue or thread, or one for all, and their replacement after a
// fault.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "file.h"
#include "hook.h"
#include "vbpf/extension.h"

namespace vbpf {

// What a hook and the instances share. It is a memfd, so it stays what it is (and where the kernel knows it) while the
// instances that map it come and go.
class SharedMemory {
 public:
  static Result<std::shared_ptr<SharedMemory>> make(size_t size);
  int descriptor() const { return file_.get(); }
  std::span<std::byte> bytes() const { return mapping_.bytes(); }

 private:
  File file_;
  Mapping mapping_;
};

// One instance and where it sees the memories.
struct Running {
  std::unique_ptr<Instance> instance;
  uint64_t entry = 0;
  std::vector<std::byte*> windows;  // by member of the group
  std::span<const std::byte> source;
};

// Queues or threads that share an instance. Thread safe.
class Group {
 public:
  // `source`: a file that instances can read, or -1. It stays the caller's, and must stay open.
  static Result<std::shared_ptr<Group>> make(Extension extension, EntryName entry,
                                             std::vector<std::shared_ptr<SharedMemory>> memories, int source = -1);

  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // The current instance and its generation.
  std::pair<std::shared_ptr<Running>, uint64_t> current() const;
  // Makes a fresh instance, unless another member has already replaced the one of this generation.
  // Returns whether one was made.
  Result<bool> replace(uint64_t generation);

 private:
  Group(Extension extension, EntryName entry) : extension_(std::move(extension)), entry_(std::move(entry)) {}
  Result<std::shared_ptr<Running>> start() const;

  Extension extension_;
  EntryName entry_;
  int source_ = -1;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<SharedMemory>> memories_;
  std::shared_ptr<Running> running_;
  std::atomic<uint64_t> generation_{1};
};

}  // namespace vbpf
