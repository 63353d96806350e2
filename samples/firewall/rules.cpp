// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <algorithm>
#include <array>

namespace firewall {
namespace {

struct Protocol {
  std::string_view name;
  uint8_t number;
};
constexpr std::array protocols{Protocol{"icmp", net::icmp}, Protocol{"tcp", net::tcp}, Protocol{"udp", net::udp},
                               Protocol{"icmp6", net::icmp6}};

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

// The functions below give what is wrong, or nullptr.

const char* parse_protocol(std::string_view word, Rule& rule) {
  if (word == "any") return nullptr;
  const auto known = std::ranges::find(protocols, word, &Protocol::name);
  rule.protocol = known != protocols.end() ? known->number : net::parse_number<uint8_t>(word);
  return rule.protocol ? nullptr : "the protocol is none of any, icmp, icmp6, tcp, udp, 0-255";
}

const char* parse_source(std::string_view word, Rule& rule) {
  if (word == "any") return nullptr;
  const auto prefix = net::parse_prefix(word);
  if (!prefix) return "the source is neither an address nor a prefix whose other bits are 0";
  rule.source = *prefix;
  return nullptr;
}

const char* parse_ports(std::string_view word, Rule& rule) {
  const size_t dash = word.find('-');
  const auto first = net::parse_number<uint16_t>(word.substr(0, dash));
  const auto last = dash == word.npos ? first : net::parse_number<uint16_t>(word.substr(dash + 1));
  if (!first || !last || *first > *last) return "the port is neither a number nor a range such as 8000-8080";
  if (rule.protocol != net::tcp && rule.protocol != net::udp) return "only tcp and udp have ports";
  rule.first_port = *first;
  rule.last_port = *last;
  rule.any_port = false;
  return nullptr;
}

const char* parse_rule(std::string_view line, Rule& rule) {
  const std::string_view action = next_word(line);
  if (action != "allow" && action != "deny") return "a rule begins with allow or deny";
  rule.allow = action == "allow";
  if (const char* error = parse_protocol(next_word(line), rule)) return error;
  if (next_word(line) != "from") return "'from' and a source are missing after the protocol";
  if (const char* error = parse_source(next_word(line), rule)) return error;
  const std::string_view word = next_word(line);
  if (word.empty()) return nullptr;
  if (word != "port") return "after the source there may only be 'port'";
  if (const char* error = parse_ports(next_word(line), rule)) return error;
  return next_word(line).empty() ? nullptr : "there is something after the port";
}

}  // namespace

ParsedRules parse_rules(std::string_view text) {
  ParsedRules parsed;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t") == line.npos) continue;
    Rule rule;
    if (const char* error = parse_rule(line, rule)) {
      parsed.error = "line " + std::to_string(number) + ": " + error;
      return parsed;
    }
    parsed.rules.push_back(rule);
  }
  return parsed;
}

}  // namespace firewall
