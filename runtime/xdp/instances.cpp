// SPDX-License-Identifier: Apache-2.0
#include "instances.h"

#include <fcntl.h>
#include <sys/mman.h>

namespace vbpf::xdp {

Result<std::shared_ptr<QueueMemory>> QueueMemory::make(uint32_t frames, uint32_t frame_size, uint32_t slots) {
  auto made = std::make_shared<QueueMemory>();
  made->frames_size_ = size_t{frames} * frame_size;
  const size_t size = (made->frames_size_ + slots * sizeof(XdpSlot) + 4095) & ~size_t{4095};
  made->file_ = File(::memfd_create("vbpf-frames", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!made->file_ || ::ftruncate(made->file_.get(), static_cast<off_t>(size)) != 0 ||
      ::fcntl(made->file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return system_error("no memory for packets", errno);
  }
  made->mapping_ = Mapping(made->file_.get(), size);
  if (!made->mapping_) return system_error("no memory for packets", errno);
  return made;
}

Result<std::shared_ptr<Running>> Group::start() const {
  auto running = std::make_shared<Running>();
  VBPF_TRY(running->instance, extension_.instantiate());
  VBPF_TRY(running->entry, running->instance->entry(entry_, "xdp"));
  for (const auto& memory : memories_) {
    VBPF_TRY(const std::span<std::byte> window,
             running->instance->window(memory->bytes().size(), memory->descriptor()));
    running->windows.push_back(window.data());
  }
  return running;
}

Result<std::shared_ptr<Group>> Group::make(Extension extension, std::string entry,
                                           std::vector<std::shared_ptr<QueueMemory>> memories) {
  std::shared_ptr<Group> group(new Group(std::move(extension), std::move(entry)));
  group->memories_ = std::move(memories);
  VBPF_TRY(group->running_, group->start());
  return group;
}

std::pair<std::shared_ptr<Running>, uint64_t> Group::current() const {
  const std::lock_guard lock(mutex_);
  return {running_, generation_.load(std::memory_order_relaxed)};
}

Result<bool> Group::replace(uint64_t generation) {
  const std::lock_guard lock(mutex_);
  if (generation_.load(std::memory_order_relaxed) != generation) return false;
  VBPF_TRY(running_, start());
  generation_.fetch_add(1, std::memory_order_release);
  return true;
}

}  // namespace vbpf::xdp
