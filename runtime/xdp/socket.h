// SPDX-License-Identifier: Apache-2.0
// One AF_XDP socket and the frames it fills.
#pragma once

#include <xdp/xsk.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "device.h"
#include "file.h"
#include "xdp_hook.h"

namespace vbpf::xdp {

// A received packet: where it lies in the frames' memory.
struct Received {
  uint32_t offset = 0, length = 0;
};

class Socket {
 public:
  // memory: frames * frame_size bytes, of which the kernel fills some and the rest is for sending.
  static Result<std::unique_ptr<Socket>> open(const Device& device, uint32_t queue, std::span<std::byte> memory,
                                              const Options& options, bool generic);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return xsk_socket__fd(socket_); }
  bool zero_copy() const { return zero_copy_; }
  bool busy_poll() const { return busy_poll_; }

  // At most received.size() packets. Their frames are ours until given to recycle().
  uint32_t receive(std::span<Received> received);
  bool has_received() { return xsk_cons_nb_avail(&rx_, 1) != 0; }
  void recycle(std::span<const Received> received);
  // A driver that has run out of frames, or that is to be polled, is woken by a system call.
  void wake_if_needed();

  // Copies a packet into a frame of our own and queues it. False: no frame or no room in the ring.
  bool send(std::span<const std::byte> packet);
  // Has the kernel take what was queued. Returns how many packets it has not sent yet.
  uint32_t push();

  uint64_t dropped_by_kernel() const;

 private:
  Socket() = default;
  int create(const Device& device, uint32_t queue, uint16_t bind_flags, uint32_t frames);
  int try_create(const Device& device, uint32_t queue, uint16_t bind_flags, uint32_t frames);
  void set_busy_poll();
  void collect_sent();

  xsk_umem* umem_ = nullptr;
  xsk_socket* socket_ = nullptr;
  xsk_ring_prod fill_{}, tx_{};
  xsk_ring_cons completed_{}, rx_{};
  std::span<std::byte> memory_;
  uint32_t frame_size_ = 0;
  bool zero_copy_ = false, busy_poll_ = false;
  std::vector<uint32_t> free_;  // offsets of frames for sending
  uint32_t in_flight_ = 0;
};

}  // namespace vbpf::xdp
