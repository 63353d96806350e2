// SPDX-License-Identifier: Apache-2.0
#include "firewall.h"

#include <utility>

namespace firewall {

Firewall::Firewall(std::vector<Rule> rules, uint64_t seed) : rules_(std::move(rules)), sources_(0, Hash{seed}) {
  for (size_t i = 0; i < rules_.size(); ++i) trie_.insert(rules_[i].source, i);
}

Counters& Firewall::add(const net::Address& source) {
  return sources_.try_emplace(sources_.size() < max_sources ? source : net::Address{}).first->second;
}

}  // namespace firewall
