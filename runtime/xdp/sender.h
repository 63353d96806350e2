// SPDX-License-Identifier: Apache-2.0
// Packets one by one through AF_PACKET: back to the device's own receive path, or out of another device.
#pragma once

#include <cstdint>
#include <span>

#include "file.h"

namespace vbpf::xdp {

class Sender {
 public:
  // mark: what the egress program looks for; 0: packets cannot be given back this way.
  static Result<Sender> open(uint32_t ifindex, uint32_t mark);

  bool can_pass() const { return static_cast<bool>(pass_); }
  bool pass(std::span<const std::byte> packet);
  // Packets given to pass() that the network stack has not taken yet: others must not overtake them.
  bool pass_is_pending() const;
  // Past the queueing discipline, as XDP_REDIRECT goes.
  bool redirect(uint32_t ifindex, std::span<const std::byte> packet);

 private:
  File pass_, redirect_;
};

}  // namespace vbpf::xdp
