// SPDX-License-Identifier: Apache-2.0
// Reading and writing packets at the XDP hook: bounds-checked access, byte order, the Internet checksum, and the
// headers one meets first. Fields of headers are in network byte order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "vbpf/xdp.h"

namespace vbpf {

// Host to network byte order and back.
template <typename T>
  requires std::is_unsigned_v<T>
constexpr T big_endian(T value) {
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  return value;
}

// A number in network byte order, at any address.
template <typename T>
class Big {
 public:
  constexpr Big() = default;
  constexpr Big(T value) { *this = value; }  // NOLINT: converts both ways
  constexpr operator T() const { return big_endian(std::bit_cast<T>(bytes_)); }
  constexpr Big& operator=(T value) {
    bytes_ = std::bit_cast<Bytes>(big_endian(value));
    return *this;
  }

 private:
  struct Bytes {
    std::uint8_t b[sizeof(T)];
  };
  Bytes bytes_{};
};
using be16 = Big<std::uint16_t>;
using be32 = Big<std::uint32_t>;

struct EthernetHeader {
  std::uint8_t destination[6], source[6];
  be16 type;
  static constexpr std::uint16_t ipv4 = 0x0800, arp = 0x0806, vlan = 0x8100, ipv6 = 0x86dd;
};
struct Ipv4Header {
  std::uint8_t version_length, service;
  be16 total_length, id, fragment;
  std::uint8_t ttl, protocol;
  be16 checksum;
  be32 source, destination;
  std::size_t header_length() const { return (version_length & 15u) * 4u; }
  bool later_fragment() const { return (fragment & 0x1fff) != 0; }
  static constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17;
};
struct Ipv6Header {
  be32 version_class_flow;
  be16 payload_length;
  std::uint8_t next_header, hop_limit;
  std::uint8_t source[16], destination[16];
};
struct UdpHeader {
  be16 source, destination, length, checksum;
};
struct TcpHeader {
  be16 source, destination;
  be32 sequence, acknowledgement;
  std::uint8_t data_offset, flags;
  be16 window, checksum, urgent;
  std::size_t header_length() const { return (data_offset >> 4) * 4u; }
  static constexpr std::uint8_t fin = 1, syn = 2, rst = 4, psh = 8, ack = 16;
};
struct IcmpHeader {
  std::uint8_t type, code;
  be16 checksum;
  be32 rest;
};
static_assert(sizeof(EthernetHeader) == 14 && sizeof(Ipv4Header) == 20 && sizeof(Ipv6Header) == 40);
static_assert(sizeof(UdpHeader) == 8 && sizeof(TcpHeader) == 20 && sizeof(IcmpHeader) == 8);

// The packet's bytes.
inline std::span<std::uint8_t> packet(const vbpf_xdp* ctx) {
  return {ctx->data, static_cast<std::size_t>(ctx->data_end - ctx->data)};
}

// The header at `offset` of the packet, or nullptr if the packet ends before the header does.
template <typename Header>
  requires(std::is_trivially_copyable_v<Header> && alignof(Header) == 1)
Header* header_at(const vbpf_xdp* ctx, std::size_t offset) {
  std::span<std::uint8_t> bytes = packet(ctx);
  if (offset > bytes.size() || bytes.size() - offset < sizeof(Header)) return nullptr;
  return reinterpret_cast<Header*>(bytes.data() + offset);
}

// The Internet checksum (RFC 1071): add up any number of pieces, all but the last of even length, then fold.
inline std::uint64_t checksum_add(std::span<const std::uint8_t> bytes, std::uint64_t sum = 0) {
  const std::uint8_t* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 4; p += 4, left -= 4) {
    std::uint32_t word;
    std::memcpy(&word, p, 4);
    sum += word;
  }
  if (left >= 2) {
    std::uint16_t word;
    std::memcpy(&word, p, 2);
    sum += word;
    p += 2;
    left -= 2;
  }
  return left != 0 ? sum + *p : sum;
}
// The value for a header's checksum field (assign it to a be16).
inline std::uint16_t checksum_fold(std::uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return big_endian(static_cast<std::uint16_t>(~sum));
}
// A checksum after one of the 16-bit words that it covers has changed (RFC 1624); values in host order.
inline std::uint16_t checksum_update(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
  std::uint32_t sum =
      static_cast<std::uint16_t>(~checksum) + static_cast<std::uint32_t>(static_cast<std::uint16_t>(~before)) + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}
inline std::uint16_t checksum_update(std::uint16_t checksum, std::uint32_t before, std::uint32_t after) {
  checksum =
      checksum_update(checksum, static_cast<std::uint16_t>(before >> 16), static_cast<std::uint16_t>(after >> 16));
  return checksum_update(checksum, static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after));
}

}  // namespace vbpf
