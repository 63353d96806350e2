// SPDX-License-Identifier: Apache-2.0
// Decides on packets by rules and counts what each source sends.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "prefix_trie.h"
#include "rules.h"

namespace firewall {

struct Decision {
  bool allow = false;
  size_t rule = no_rule;  // its index: which rule decided

  static constexpr size_t no_rule = SIZE_MAX;  // none matched: denied
};

struct Counters {
  uint64_t allowed = 0, denied = 0;
};

class Firewall {
 public:
  static constexpr size_t max_sources = 65536;

  // The seed keeps a sender from choosing addresses that collide in the table of sources.
  Firewall(std::vector<Rule> rules, uint64_t seed);

  // Here, as the next, so that the compiler can put them in line: each packet pays for them.
  Decision decide(const net::Packet& packet) const { return decide(packet, net::source_of(packet)); }
  Decision decide(const net::Packet& packet, const net::Address& source) const {
    Decision decision;
    trie_.visit_matches(source, [&](const std::vector<size_t>& rules) {
      const auto matches = [&](size_t rule) { return rule >= decision.rule || rules_[rule].matches(packet); };
      const auto first = std::ranges::find_if(rules, matches);
      if (first != rules.end()) decision.rule = std::min(decision.rule, *first);
    });
    decision.allow = decision.rule != Decision::no_rule && rules_[decision.rule].allow;
    return decision;
  }

  // Counts one packet. Sources beyond max_sources share the counters of the address "::".
  Counters& count(const net::Address& source, bool allowed) {
    const auto found = sources_.find(source);
    Counters& counters = found != sources_.end() ? found->second : add(source);
    ++(allowed ? counters.allowed : counters.denied);
    return counters;
  }

  size_t sources() const { return sources_.size(); }

 private:
  Counters& add(const net::Address& source);

  struct Hash {
    uint64_t seed;
    size_t operator()(const net::Address& address) const { return net::hash(address, seed); }
  };

  std::vector<Rule> rules_;
  PrefixTrie trie_;
  std::unordered_map<net::Address, Counters, Hash> sources_;
};

}  // namespace firewall
