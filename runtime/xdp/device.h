// SPDX-License-Identifier: Apache-2.0
// What has to be known about a network device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vbpf/result.h"

namespace vbpf::xdp {

struct Device {
  std::string name;
  uint32_t ifindex = 0;
  uint32_t mtu = 0;
  uint32_t queues = 1;      // receive queues in use
  uint32_t max_queues = 1;  // that `ethtool -L` could make
};

// bad_input: there is no such device in this network namespace.
Result<Device> find_device(const std::string& name);

// Receive queues in use; 0 when the device is gone.
uint32_t count_queues(const std::string& name);

// The id of the XDP program on a device, 0 for none; nothing when it cannot be told.
std::optional<uint32_t> attached_program(uint32_t ifindex);

// bad_input when an XDP program is attached already, and not in a chain that could be joined: names it, and says what
// to do.
Result<void> check_no_program(const Device& device);

// The bytes a frame must hold for a device's packets: Ethernet header and two VLAN tags beyond the MTU.
constexpr uint32_t packet_size(uint32_t mtu) { return mtu + 14 + 8; }

}  // namespace vbpf::xdp
