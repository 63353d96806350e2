// SPDX-License-Identifier: Apache-2.0
// Decides on packets by rules and counts what each source sends.
#pragma once

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

  Decision decide(const net::Packet& packet) const;

  // Counts one packet. Sources beyond max_sources share the counters of the address "::".
  Counters& count(const net::Address& source, bool allowed);

  size_t sources() const { return sources_.size(); }

 private:
  struct Hash {
    uint64_t seed;
    size_t operator()(const net::Address& address) const { return net::hash(address, seed); }
  };

  std::vector<Rule> rules_;
  PrefixTrie trie_;
  std::unordered_map<net::Address, Counters, Hash> sources_;
};

}  // namespace firewall
