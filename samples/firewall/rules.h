// SPDX-License-Identifier: Apache-2.0
// Rules as text, one a line, the first that matches decides:
//
//   allow|deny  any|icmp|icmp6|tcp|udp|NUMBER  from any|ADDRESS|PREFIX  [port N | port N-M]
//
// A port is the destination's. What follows '#' is a comment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address.h"

namespace firewall {

struct Rule {
  bool allow = false;
  std::optional<uint8_t> protocol;
  net::Prefix source;  // of length 0: any
  uint16_t first_port = 0, last_port = 0xffff;
  bool any_port = true;

  // But for the source.
  bool matches(const net::Packet& packet) const {
    if (protocol && *protocol != packet.protocol) return false;
    if (any_port) return true;
    // A later fragment has no ports. It is of no use to its receiver without the first one, which has.
    if (!packet.tcp && !packet.udp) return false;
    const uint16_t port = packet.tcp ? packet.tcp->destination : packet.udp->destination;
    return first_port <= port && port <= last_port;
  }
};

struct ParsedRules {
  std::vector<Rule> rules;
  std::string error;  // "line 3: ...", empty if the text is right
};

ParsedRules parse_rules(std::string_view text);

}  // namespace firewall
