// SPDX-License-Identifier: Apache-2.0
// The running instances of an extension: one for each queue, or one for all, and their replacement after a fault.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "file.h"
#include "vbpf/extension.h"

namespace vbpf::xdp {

// A queue's memory: frames and slots. It is a memfd, so it stays what it is (and where the kernel knows it) while the
// instances that map it come and go.
class QueueMemory {
 public:
  static Result<std::shared_ptr<QueueMemory>> make(uint32_t frames, uint32_t frame_size, uint32_t slots);
  int descriptor() const { return file_.get(); }
  std::span<std::byte> bytes() const { return mapping_.bytes(); }
  std::span<std::byte> frames() const { return bytes().first(frames_size_); }
  size_t slots_offset() const { return frames_size_; }

 private:
  File file_;
  Mapping mapping_;
  size_t frames_size_ = 0;
};

// One instance and where it sees each queue's memory.
struct Running {
  std::unique_ptr<Instance> instance;
  uint64_t entry = 0;
  std::vector<std::byte*> windows;  // by member of the group
};

// Queues that share an instance. Thread safe.
class Group {
 public:
  static Result<std::shared_ptr<Group>> make(Extension extension, std::string entry,
                                             std::vector<std::shared_ptr<QueueMemory>> memories);

  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // The current instance and its generation.
  std::pair<std::shared_ptr<Running>, uint64_t> current() const;
  // Makes a fresh instance, unless another member has already replaced the one of this generation.
  // Returns whether one was made.
  Result<bool> replace(uint64_t generation);

 private:
  Group(Extension extension, std::string entry) : extension_(std::move(extension)), entry_(std::move(entry)) {}
  Result<std::shared_ptr<Running>> start() const;

  Extension extension_;
  std::string entry_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<QueueMemory>> memories_;
  std::shared_ptr<Running> running_;
  std::atomic<uint64_t> generation_{1};
};

}  // namespace vbpf::xdp
