// SPDX-License-Identifier: Apache-2.0
#include "firewall.h"

#include <utility>

namespace firewall {

Firewall::Firewall(std::vector<Rule> rules, uint64_t seed) : rules_(std::move(rules)), sources_(0, Hash{seed}) {
  for (size_t i = 0; i < rules_.size(); ++i) trie_.insert(rules_[i].source, i);
}

Decision Firewall::decide(const net::Packet& packet) const {
  Decision decision;
  trie_.visit_matches(net::source_of(packet), [&](size_t rule) {
    if (rule < decision.rule && rules_[rule].matches(packet)) decision.rule = rule;
  });
  decision.allow = decision.rule != Decision::no_rule && rules_[decision.rule].allow;
  return decision;
}

Counters& Firewall::count(const net::Address& source, bool allowed) {
  auto found = sources_.find(source);
  if (found == sources_.end()) {
    found = sources_.try_emplace(sources_.size() < max_sources ? source : net::Address{}).first;
  }
  ++(allowed ? found->second.allowed : found->second.denied);
  return found->second;
}

}  // namespace firewall
