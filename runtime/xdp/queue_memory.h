// SPDX-License-Identifier: Apache-2.0
// A queue's memory: frames, then slots.
#pragma once

#include "instances.h"
#include "vbpf/extension.h"

namespace vbpf::xdp {

struct QueueMemory {
  static Result<QueueMemory> make(uint32_t frames, uint32_t frame_size, uint32_t slots) {
    const size_t frames_size = size_t{frames} * frame_size;
    VBPF_TRY(auto memory, SharedMemory::make(frames_size + slots * sizeof(XdpSlot)));
    return QueueMemory{std::move(memory), frames_size};
  }
  std::span<std::byte> frames() const { return shared->bytes().first(slots_offset); }

  std::shared_ptr<SharedMemory> shared;
  size_t slots_offset = 0;
};

}  // namespace vbpf::xdp
