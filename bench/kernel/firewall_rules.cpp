// SPDX-License-Identifier: Apache-2.0
#include "firewall_rules.h"

#include <string_view>

#include "rules.h"

namespace {

constexpr std::string_view default_rules =
#include "default.rules"
    ;
constexpr std::string_view many_rules =
#include "many.rules"
    ;

uint64_t half_mask(unsigned bits) { return bits == 0 ? 0 : bits >= 64 ? ~uint64_t{0} : ~uint64_t{0} << (64 - bits); }

// As the extension reads them.
std::string fill(std::span<bench_rule> rules, std::string_view text) {
  const firewall::ParsedRules parsed = firewall::parse_rules(text);
  if (!parsed.error.empty()) return parsed.error;
  if (parsed.rules.size() != rules.size()) return "the firewall's rules are not as many as its twin has";
  for (size_t i = 0; i < rules.size(); ++i) {
    const firewall::Rule& rule = parsed.rules[i];
    const unsigned length = rule.source.length;
    rules[i].prefix = {rule.source.address.half(0), rule.source.address.half(1)};
    rules[i].mask = {half_mask(length), half_mask(length < 64 ? 0 : length - 64)};
    rules[i].protocol = rule.protocol ? *rule.protocol : ANY_PROTOCOL;
    rules[i].first_port = rule.first_port;
    rules[i].last_port = rule.last_port;
    rules[i].any_port = rule.any_port;
    rules[i].allow = rule.allow;
  }
  return "";
}

}  // namespace

std::string fill_default_rules(std::span<bench_rule> rules) { return fill(rules, default_rules); }
std::string fill_many_rules(std::span<bench_rule> rules) { return fill(rules, many_rules); }
