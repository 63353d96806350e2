// SPDX-License-Identifier: Apache-2.0
// An address of IPv4 or IPv6 as one type, as text, and as a key of hash tables.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packet.h"

namespace net {

// 16 bytes; IPv4 lies in ::ffff:0:0/96.
struct Address {
  std::array<uint8_t, 16> bytes{};

  static constexpr Address from_ipv4(uint32_t value) {
    Address address;
    address.bytes[10] = address.bytes[11] = 0xff;
    for (size_t i = 0; i < 4; ++i) address.bytes[12 + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
    return address;
  }
  constexpr bool is_ipv4() const { return *this == from_ipv4(ipv4()); }
  constexpr uint32_t ipv4() const {
    return static_cast<uint32_t>(bytes[12]) << 24 | static_cast<uint32_t>(bytes[13]) << 16 | bytes[14] << 8 | bytes[15];
  }
  // The first eight bytes, or the last, as a number.
  constexpr uint64_t half(size_t index) const {
    return __builtin_bswap64(std::bit_cast<std::array<uint64_t, 2>>(bytes)[index]);
  }
  constexpr bool bit(size_t index) const { return bytes[index / 8] >> (7 - index % 8) & 1; }

  friend constexpr auto operator<=>(const Address&, const Address&) = default;
};

inline Address source_of(const Packet& packet) {
  return packet.ipv4 ? Address::from_ipv4(packet.ipv4->source) : Address{std::to_array(packet.ipv6->source)};
}
inline Address destination_of(const Packet& packet) {
  return packet.ipv4 ? Address::from_ipv4(packet.ipv4->destination) : Address{std::to_array(packet.ipv6->destination)};
}

struct Prefix {
  Address address;
  unsigned length = 0;  // in bits of the 128
};

// The whole of `text` as a number, or nothing.
template <typename T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end) return {};
  return value;
}

inline std::optional<Address> parse_ipv4_address(std::string_view text) {
  uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    const size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == text.npos) return {};
    const auto number = parse_number<uint8_t>(text.substr(0, dot));
    if (!number) return {};
    value = value << 8 | *number;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return Address::from_ipv4(value);
}

// Groups of up to four hexadecimal digits, and at most one "::".
inline std::optional<Address> parse_ipv6_address(std::string_view text) {
  Address address;
  size_t filled = 0, gap = 17;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    const size_t colon = std::min(text.find(':'), text.size());
    const auto group = parse_number<uint16_t>(text.substr(0, colon), 16);
    if (!group || colon > 4 || filled == 16) return {};
    address.bytes[filled++] = static_cast<uint8_t>(*group >> 8);
    address.bytes[filled++] = static_cast<uint8_t>(*group);
    text.remove_prefix(colon);
    if (text.starts_with("::")) {
      if (gap != 17) return {};
      gap = filled;
      text.remove_prefix(2);
    } else if (!text.empty()) {
      text.remove_prefix(1);
      if (text.empty()) return {};
    }
  }
  if (gap == 17) return filled == 16 ? std::optional(address) : std::nullopt;
  if (filled == 16) return {};
  std::rotate(address.bytes.begin() + gap, address.bytes.begin() + filled, address.bytes.end());
  return address;
}

inline std::optional<Address> parse_address(std::string_view text) {
  return text.find(':') == text.npos ? parse_ipv4_address(text) : parse_ipv6_address(text);
}

// "10.0.0.0/8", "2001:db8::/32", or an address alone. Bits after the prefix must be 0.
inline std::optional<Prefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return {};
  const unsigned bits = text.find(':') == text.npos ? 32 : 128;
  const auto length = slash == text.npos ? std::optional(bits) : parse_number<unsigned>(text.substr(slash + 1));
  if (!length || *length > bits) return {};
  Prefix prefix{*address, 128 - bits + *length};
  for (size_t i = prefix.length; i < 128; ++i) {
    if (prefix.address.bit(i)) return {};
  }
  return prefix;
}

inline std::string to_string(const Address& address) {
  std::array<char, 40> text;
  char* out = text.data();
  for (size_t i = address.is_ipv4() ? 12 : 0; i < 16;) {
    if (out != text.data()) *out++ = address.is_ipv4() ? '.' : ':';
    if (address.is_ipv4()) {
      out = std::to_chars(out, text.end(), address.bytes[i++]).ptr;
    } else {
      out = std::to_chars(out, text.end(), address.bytes[i] << 8 | address.bytes[i + 1], 16).ptr;
      i += 2;
    }
  }
  return {text.data(), out};
}

// Mixes eight bytes into a hash; the seed keeps senders from choosing keys that collide.
constexpr uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ std::rotr(hash, 29);
}

inline uint64_t hash(const Address& address, uint64_t seed) {
  const auto halves = std::bit_cast<std::array<uint64_t, 2>>(address.bytes);
  return mix(mix(seed, halves[0]), halves[1]);
}

}  // namespace net
