// SPDX-License-Identifier: Apache-2.0
#include "instances.h"

#include <fcntl.h>
#include <sys/mman.h>

namespace vbpf {

Result<std::shared_ptr<SharedMemory>> SharedMemory::make(size_t size) {
  auto made = std::make_shared<SharedMemory>();
  const size_t whole = (size + 4095) & ~size_t{4095};
  made->file_ = File(::memfd_create("vbpf-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!made->file_ || ::ftruncate(made->file_.get(), static_cast<off_t>(whole)) != 0 ||
      ::fcntl(made->file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return system_error("no memory to share with an extension", errno);
  }
  made->mapping_ = Mapping(made->file_.get(), whole);
  if (!made->mapping_) return system_error("no memory to share with an extension", errno);
  return made;
}

Result<std::shared_ptr<Running>> Group::start() const {
  auto running = std::make_shared<Running>();
  VBPF_TRY(running->instance, extension_.instantiate());
  VBPF_TRY(running->entry, running->instance->entry(entry_.name, entry_.hook));
  for (const auto& memory : memories_) {
    VBPF_TRY(const std::span<std::byte> window,
             running->instance->window(memory->bytes().size(), memory->descriptor()));
    running->windows.push_back(window.data());
  }
  if (source_ >= 0) {
    VBPF_TRY(running->source, running->instance->view(source_));
  }
  return running;
}

Result<std::shared_ptr<Group>> Group::make(Extension extension, EntryName entry,
                                           std::vector<std::shared_ptr<SharedMemory>> memories, int source) {
  std::shared_ptr<Group> group(new Group(std::move(extension), std::move(entry)));
  group->memories_ = std::move(memories);
  group->source_ = source;
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

}  // namespace vbpf
