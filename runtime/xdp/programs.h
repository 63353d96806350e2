// SPDX-License-Identifier: Apache-2.0
// The eBPF side of one hook: programs, maps and links. All are held by descriptors only: they go with the process.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "bpf_types.h"
#include "chain.h"
#include "device.h"
#include "file.h"
#include "private_device.h"
#include "xdp_hook.h"

struct datapath;  // the skeleton

namespace vbpf::xdp {

// Memory that a queue shares with the programs.
struct SharedMaps {
  std::span<std::byte> slots;  // VBPF_XDP_SLOTS of slot_size bytes
  uint32_t slot_size = 0;
  vbpf_cursor* cursor = nullptr;
  vbpf_losses* losses = nullptr;
};

class Programs {
 public:
  static constexpr uint32_t max_queues = 64;

  // Loads; nothing is attached to the device yet but, where the kernel has tcx, the program that gives single packets
  // back.
  static Result<Programs> load(const Device& device, uint32_t frame_size, bool generic);
  ~Programs();
  Programs(Programs&& other) noexcept;
  Programs& operator=(Programs&&) = delete;

  // Packets begin to arrive at the sockets.
  Result<void> attach(const Device& device);
  // The same through a dispatcher that is there; see ChainMember.
  Result<void> join_chain(const Device& device, const std::string& record);
  // After the device has got more queues: some drivers run the program only on those there were. No packet slips
  // through.
  Result<void> attach_again();
  // They cease to. Again is harmless.
  void detach();

  Result<void> add_socket(uint32_t queue, int socket);
  // The calling thread's live frames are those of this queue.
  Result<void> serve_queue(uint32_t queue) const;
  SharedMaps maps_of(uint32_t queue) const;

  uint32_t program_id() const { return member_ ? member_->program_id() : program_ids_[current_]; }
  // Whether packets still come here when `id` is what the device runs.
  bool is_reached_from(uint32_t id) const {
    return member_ ? member_->is_called() : id == program_ids_[0] || id == program_ids_[1];
  }
  bool generic() const { return generic_; }
  uint32_t queues() const { return queues_; }
  int injecting_program() const;
  // Single packets can be given back by a socket with this mark; 0 where they cannot.
  uint32_t pass_mark() const { return pass_mark_; }
  // Running live frames costs milliseconds without a device of our own for the program.
  bool live_frames_are_fast() const { return own_device_.has_value(); }

 private:
  Programs() = default;
  Result<void> open(const Device& device, uint32_t frame_size);
  Result<void> map();
  Result<void> attach_helpers(const Device& device);

  datapath* skeleton_ = nullptr;
  bool generic_ = false;
  uint32_t queues_ = 0, slot_size_ = 0, pass_mark_ = 0;
  std::array<int, 2> redirecting_{};  // two of the same
  std::array<uint32_t, 2> program_ids_{};
  size_t current_ = 0;
  Mapping slots_, cursors_, losses_;
  File link_, give_back_link_, losses_link_, refusals_link_;
  std::optional<PrivateDevice> own_device_;
  std::optional<ChainMember> member_;
};

}  // namespace vbpf::xdp
