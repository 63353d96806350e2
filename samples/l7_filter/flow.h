// SPDX-License-Identifier: Apache-2.0
// One direction of a TCP connection, as a key.
#pragma once

#include <cstddef>
#include <cstdint>

#include "address.h"

namespace l7_filter {

struct Flow {
  net::Address source, destination;
  uint16_t source_port = 0, destination_port = 0;

  friend bool operator==(const Flow&, const Flow&) = default;
};

struct FlowHash {
  uint64_t seed = 0;
  size_t operator()(const Flow& flow) const {
    const uint64_t ports = static_cast<uint64_t>(flow.source_port) << 16 | flow.destination_port;
    return net::mix(net::hash(flow.destination, net::hash(flow.source, seed)), ports);
  }
};

inline Flow flow_of(const net::Packet& packet) {
  return {net::source_of(packet), net::destination_of(packet), packet.tcp->source, packet.tcp->destination};
}

}  // namespace l7_filter
