// SPDX-License-Identifier: Apache-2.0
// Packets on their way back into the kernel: given back (PASS), sent (TX), redirected.
//
// Packets are collected, in order, in memory that the injecting eBPF program reads, and leave together:
//   few   one by one: PASS and REDIRECT through AF_PACKET, TX through the AF_XDP ring (about 2 us each);
//   many  in one BPF_PROG_RUN with live frames (15 us a call, then about 0.5 us each).
// The order of packets with the same verdict is kept, also across the two ways.
#pragma once

#include <chrono>
#include <vector>

#include "counters.h"
#include "programs.h"
#include "sender.h"
#include "socket.h"

namespace vbpf::xdp {

class Outbox {
 public:
  // From here on live frames pay.
  static constexpr uint32_t few = 12;

  static Result<Outbox> open(const Device& device, uint32_t queue, const Programs& programs, Socket& socket,
                             Counters& counters);

  uint32_t max_length() const { return maps_.slot_size - static_cast<uint32_t>(sizeof(vbpf_out_slot)); }
  bool full() const { return count_ == VBPF_XDP_SLOTS; }
  bool empty() const { return count_ == 0; }
  // Copies the packet, of at most max_length() bytes. Not when full().
  void add(uint32_t verdict, uint32_t ifindex, std::span<const std::byte> packet);
  // On the thread that Programs knows as the queue's.
  void flush();

 private:
  using Clock = std::chrono::steady_clock;
  struct Totals {
    uint64_t lost, transmit, redirect;
  };

  Outbox(const Device& device, uint32_t queue, const Programs& programs, Socket& socket, Counters& counters,
         Sender sender);
  vbpf_out_slot& slot(uint32_t index) const;
  std::span<const std::byte> packet(uint32_t index) const;
  bool live_frames_are_due() const;
  void wait_for_singles() const;
  bool pass_single(uint32_t index);
  bool send_single(uint32_t index);
  void send_singles();
  void send_live();
  uint32_t run_live(uint32_t first, uint32_t end, uint32_t longest);
  void settle(uint32_t done, const Totals& before);
  void send_refused(uint32_t verdict, uint64_t refused);
  Totals totals() const;

  Device device_;
  SharedMaps maps_;
  int program_;
  bool generic_, fast_live_;
  Socket* socket_;
  Counters* counters_;
  Sender sender_;
  std::vector<std::byte> template_;  // what live frames hold before they are filled
  uint32_t count_ = 0, longest_ = 0;
  std::array<uint32_t, 5> by_verdict_{};
  Clock::time_point no_live_transmit_until_, no_live_redirect_until_;
};

}  // namespace vbpf::xdp
