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

  bool matches(const net::Packet& packet) const;
};

struct ParsedRules {
  std::vector<Rule> rules;
  std::string error;  // "line 3: ...", empty if the text is right
};

ParsedRules parse_rules(std::string_view text);

}  // namespace firewall
