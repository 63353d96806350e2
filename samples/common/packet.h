// SPDX-License-Identifier: Apache-2.0
// Reads a packet's headers from Ethernet to TCP and UDP, with every bounds check in one place.
//
//   std::optional<net::Packet> packet = net::parse(vbpf::packet(ctx));
//   if (!packet) return XDP_DROP;            // malformed
//   if (packet->udp) { ... packet->udp->destination ... }
//
// The pointers in net::Packet are null for headers that are not there. Nothing is copied: writing changes the packet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vbpf/packet.hpp>

namespace net {

using vbpf::EthernetHeader;
using vbpf::Ipv4Header;
using vbpf::Ipv6Header;
using vbpf::TcpHeader;
using vbpf::UdpHeader;

inline constexpr uint16_t type_qinq = 0x88a8;
inline constexpr uint8_t icmp = 1, tcp = 6, udp = 17, icmp6 = 58;  // IP protocols

struct Packet {
  EthernetHeader* ethernet = nullptr;
  uint16_t type = 0;  // what the frame carries, after any VLAN tags
  Ipv4Header* ipv4 = nullptr;
  Ipv6Header* ipv6 = nullptr;
  uint8_t protocol = 0;          // of IP, after IPv6 extension headers
  bool fragment = false;         // part of a larger datagram
  uint16_t fragment_offset = 0;  // in bytes; only the fragment at 0 has a TCP or UDP header
  TcpHeader* tcp = nullptr;
  UdpHeader* udp = nullptr;
  std::span<uint8_t> payload;  // what follows the last header read, without Ethernet's padding
};

// A header at the front of `bytes`, which then begins after it; null if it is cut off.
template <typename T>
T* take(std::span<uint8_t>& bytes) {
  static_assert(alignof(T) == 1);
  if (bytes.size() < sizeof(T)) return nullptr;
  T* header = reinterpret_cast<T*>(bytes.data());
  bytes = bytes.subspan(sizeof(T));
  return header;
}

inline bool skip(std::span<uint8_t>& bytes, size_t count) {
  if (bytes.size() < count) return false;
  bytes = bytes.subspan(count);
  return true;
}

inline bool parse_ethernet(Packet& packet) {
  struct Tag {
    vbpf::be16 control, type;
  };
  packet.ethernet = take<EthernetHeader>(packet.payload);
  if (!packet.ethernet) return false;
  packet.type = packet.ethernet->type;
  for (int tags = 0; tags < 2 && (packet.type == EthernetHeader::vlan || packet.type == type_qinq); ++tags) {
    const Tag* tag = take<Tag>(packet.payload);
    if (!tag) return false;
    packet.type = tag->type;
  }
  return true;
}

inline bool parse_ipv4(Packet& packet) {
  const size_t available = packet.payload.size();
  packet.ipv4 = take<Ipv4Header>(packet.payload);
  if (!packet.ipv4 || packet.ipv4->version_length >> 4 != 4) return false;
  const size_t header = packet.ipv4->header_length();
  const size_t total = packet.ipv4->total_length;
  if (header < sizeof(Ipv4Header) || total < header || total > available) return false;
  if (!skip(packet.payload, header - sizeof(Ipv4Header))) return false;  // options
  packet.payload = packet.payload.first(total - header);
  packet.protocol = packet.ipv4->protocol;
  packet.fragment = (packet.ipv4->fragment & 0x3fff) != 0;
  packet.fragment_offset = static_cast<uint16_t>((packet.ipv4->fragment & 0x1fff) * 8);
  return true;
}

// Walks the extension headers. A header this does not know ends the walk: it is the protocol.
inline bool parse_ipv6(Packet& packet) {
  struct Extension {
    uint8_t next, length;
    vbpf::be16 fragment;
    uint8_t rest[4];
  };
  packet.ipv6 = take<Ipv6Header>(packet.payload);
  if (!packet.ipv6 || packet.ipv6->version_class_flow >> 28 != 6) return false;
  if (packet.ipv6->payload_length > packet.payload.size()) return false;
  packet.payload = packet.payload.first(packet.ipv6->payload_length);
  packet.protocol = packet.ipv6->next_header;
  while (packet.fragment_offset == 0) {
    constexpr uint8_t hop_by_hop = 0, routing = 43, fragment = 44, authentication = 51, destination = 60;
    const uint8_t kind = packet.protocol;
    if (kind != hop_by_hop && kind != routing && kind != fragment && kind != authentication && kind != destination)
      break;
    const Extension* header = take<Extension>(packet.payload);
    if (!header) return false;
    if (kind == fragment) {
      packet.fragment = true;
      packet.fragment_offset = header->fragment & 0xfff8;
    } else {
      const size_t size = kind == authentication ? (header->length + 2u) * 4u : (header->length + 1u) * 8u;
      if (size < sizeof(Extension) || !skip(packet.payload, size - sizeof(Extension))) return false;
    }
    packet.protocol = header->next;
  }
  return true;
}

inline bool parse_transport(Packet& packet) {
  if (packet.fragment_offset != 0) return true;
  if (packet.protocol == tcp) {
    packet.tcp = take<TcpHeader>(packet.payload);
    const size_t header = packet.tcp ? packet.tcp->header_length() : 0;
    return header >= sizeof(TcpHeader) && skip(packet.payload, header - sizeof(TcpHeader));
  }
  if (packet.protocol == udp) {
    packet.udp = take<UdpHeader>(packet.payload);
    if (!packet.udp || packet.udp->length < sizeof(UdpHeader)) return false;
    const size_t size = packet.udp->length - sizeof(UdpHeader);
    if (!packet.fragment && size > packet.payload.size()) return false;
    packet.payload = packet.payload.first(std::min(size, packet.payload.size()));
  }
  return true;
}

// Nothing: a header is cut off or lies about its length. What is not IP has neither ipv4 nor ipv6. In line, so that
// what its caller does not look at is not kept.
[[gnu::always_inline]] inline std::optional<Packet> parse(std::span<uint8_t> frame) {
  Packet packet;
  packet.payload = frame;
  if (!parse_ethernet(packet)) return {};
  if (packet.type == EthernetHeader::ipv4 && !parse_ipv4(packet)) return {};
  if (packet.type == EthernetHeader::ipv6 && !parse_ipv6(packet)) return {};
  if ((packet.ipv4 || packet.ipv6) && !parse_transport(packet)) return {};
  return packet;
}

}  // namespace net
