// SPDX-License-Identifier: Apache-2.0
// Builds packets for tests, and checks checksums by summing everything again (not by the code under test).
#pragma once

#include <arpa/inet.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace packets {

using Bytes = std::vector<uint8_t>;

inline Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Bytes be16(unsigned value) { return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)}; }
inline Bytes be32(uint32_t value) { return be16(value >> 16) + be16(value & 0xffff); }
inline Bytes text(std::string_view value) { return {value.begin(), value.end()}; }

inline Bytes address(const std::string& value) {
  Bytes bytes(value.find(':') == std::string::npos ? 4 : 16);
  if (inet_pton(bytes.size() == 4 ? AF_INET : AF_INET6, value.c_str(), bytes.data()) != 1) {
    throw std::invalid_argument("not an address: " + value);
  }
  return bytes;
}

// The Internet checksum's sum of 16-bit words, folded: 0xffff over data that holds its own right checksum.
inline uint16_t sum(const Bytes& bytes) {
  uint64_t total = 0;
  for (size_t i = 0; i < bytes.size(); ++i) total += static_cast<uint64_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return static_cast<uint16_t>(total);
}

inline void put16(Bytes& bytes, size_t at, unsigned value) {
  bytes.at(at) = static_cast<uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<uint8_t>(value);
}

constexpr uint8_t icmp = 1, tcp = 6, udp = 17;

struct Ip {
  std::string source = "192.0.2.1", destination = "192.0.2.2";
  uint16_t fragment = 0;     // flags and offset as in the header
  Bytes options{};           // of IPv4, or extension headers of IPv6
  int first_extension = -1;  // IPv6: the number of the first extension header
  Bytes vlan{};              // tags with their types, e.g. 81 00 00 05
  Bytes source_mac{2, 0, 0, 0, 0, 1}, destination_mac{2, 0, 0, 0, 0, 2};
};

inline Bytes pseudo_header(const Ip& ip, uint8_t protocol, size_t length) {
  return address(ip.source) + address(ip.destination) + be32(static_cast<uint32_t>(length)) + be32(protocol);
}

inline Bytes ethernet(const Ip& ip, unsigned type, const Bytes& payload) {
  return ip.destination_mac + ip.source_mac + ip.vlan + be16(type) + payload;
}

inline Bytes ip_packet(const Ip& ip, uint8_t protocol, const Bytes& payload) {
  const bool v6 = ip.source.find(':') != std::string::npos;
  if (v6) {
    const auto next = static_cast<uint8_t>(ip.first_extension >= 0 ? ip.first_extension : protocol);
    const Bytes body = ip.options + payload;
    return ethernet(ip, 0x86dd,
                    be32(0x60000000) + be16(static_cast<unsigned>(body.size())) + Bytes{next, 64} + address(ip.source) +
                        address(ip.destination) + body);
  }
  const size_t length = 20 + ip.options.size();
  Bytes header = Bytes{static_cast<uint8_t>(0x40 | length / 4), 0} +
                 be16(static_cast<unsigned>(length + payload.size())) + be16(7) + be16(ip.fragment) +
                 Bytes{64, protocol, 0, 0} + address(ip.source) + address(ip.destination) + ip.options;
  put16(header, 10, static_cast<uint16_t>(~sum(header)));
  return ethernet(ip, 0x0800, header + payload);
}

inline Bytes udp_packet(const Ip& ip, unsigned from, unsigned to, const Bytes& payload = {}) {
  Bytes body = be16(from) + be16(to) + be16(static_cast<unsigned>(8 + payload.size())) + be16(0) + payload;
  const auto checksum = static_cast<uint16_t>(~sum(pseudo_header(ip, udp, body.size()) + body));
  put16(body, 6, checksum == 0 ? 0xffff : checksum);
  return ip_packet(ip, udp, body);
}

inline Bytes tcp_packet(const Ip& ip, unsigned from, unsigned to, const Bytes& payload = {}, uint32_t sequence = 1,
                        uint8_t flags = 0x18, const Bytes& options = {}) {
  Bytes body = be16(from) + be16(to) + be32(sequence) + be32(1) +
               Bytes{static_cast<uint8_t>((20 + options.size()) / 4 << 4), flags} + be16(1000) + be16(0) + be16(0) +
               options + payload;
  put16(body, 16, static_cast<uint16_t>(~sum(pseudo_header(ip, tcp, body.size()) + body)));
  return ip_packet(ip, tcp, body);
}

inline Bytes icmp_echo(const Ip& ip, const Bytes& payload = {}) {
  Bytes body = Bytes{8, 0, 0, 0, 0, 1, 0, 1} + payload;
  put16(body, 2, static_cast<uint16_t>(~sum(body)));
  return ip_packet(ip, icmp, body);
}

// Whether the checksums of an IPv4 packet without VLAN tags, and of its TCP or UDP (where it has one), are right.
inline bool checksums_right(const Bytes& frame) {
  const size_t header = (frame.at(14) & size_t{15}) * 4;
  const Bytes ip(frame.begin() + 14, frame.begin() + 14 + static_cast<long>(header));
  if (sum(ip) != 0xffff) return false;
  const size_t total = static_cast<size_t>(ip[2] << 8 | ip[3]);
  const Bytes body(frame.begin() + 14 + static_cast<long>(header), frame.begin() + 14 + static_cast<long>(total));
  if (ip[9] == udp && body.at(6) == 0 && body.at(7) == 0) return true;
  const Bytes pseudo = Bytes(ip.begin() + 12, ip.begin() + 20) + be32(static_cast<uint32_t>(body.size())) + be32(ip[9]);
  return sum(pseudo + body) == 0xffff;
}

}  // namespace packets
