// SPDX-License-Identifier: Apache-2.0
// Keeps the checksum of IPv4, TCP and UDP right while fields change, without summing the packet again (RFC 1624).
#pragma once

#include <cstdint>

#include "packet.h"

namespace load_balancer {

// For UDP 0 means that there is no checksum: it stays so, and a sum of 0 is written as its other form.
inline void update_transport_checksum(net::Packet& packet, uint32_t before, uint32_t after) {
  if (packet.tcp) packet.tcp->checksum = vbpf::checksum_update(packet.tcp->checksum, before, after);
  if (!packet.udp || packet.udp->checksum == 0) return;
  const uint16_t checksum = vbpf::checksum_update(packet.udp->checksum, before, after);
  packet.udp->checksum = checksum != 0 ? checksum : 0xffff;
}

// Writes an address of the IPv4 header, and puts both checksums right.
inline void rewrite_address(net::Packet& packet, vbpf::be32& field, uint32_t address) {
  const uint32_t before = field;
  packet.ipv4->checksum = vbpf::checksum_update(packet.ipv4->checksum, before, address);
  update_transport_checksum(packet, before, address);
  field = address;
}

}  // namespace load_balancer
