// SPDX-License-Identifier: Apache-2.0
#include "firewall.h"

#include <gtest/gtest.h>

#include "packets.h"

namespace {

using firewall::Firewall;
using packets::Bytes;

Firewall make(std::string_view rules) {
  firewall::ParsedRules parsed = firewall::parse_rules(rules);
  EXPECT_EQ(parsed.error, "");
  return {std::move(parsed.rules), 1};
}

firewall::Decision decide(const Firewall& wall, Bytes frame) {
  const auto packet = net::parse(frame);
  EXPECT_TRUE(packet);
  return wall.decide(*packet);
}

TEST(FirewallRulesTest, MistakesAreNamedByLine) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"\nreject any from any", "line 2: a rule begins with allow or deny"},
      {"allow foo from any", "line 1: the protocol is none of"},
      {"allow 256 from any", "line 1: the protocol is none of"},
      {"allow tcp any", "line 1: 'from' and a source are missing"},
      {"allow tcp from 10.0.0.1/8", "line 1: the source is neither"},
      {"allow tcp from 10.0.0.0/33", "line 1: the source is neither"},
      {"allow tcp from 10.0.0", "line 1: the source is neither"},
      {"allow tcp from 1:2:3:4:5:6:7:8:9", "line 1: the source is neither"},
      {"allow tcp from 1::2::3", "line 1: the source is neither"},
      {"allow tcp from any port 10-9", "line 1: the port is neither"},
      {"allow tcp from any port 65536", "line 1: the port is neither"},
      {"allow icmp from any port 1", "line 1: only tcp and udp have ports"},
      {"allow tcp from any port 1 log", "line 1: there is something after the port"},
  };
  for (const auto& [text, error] : cases) {
    EXPECT_TRUE(firewall::parse_rules(text).error.starts_with(error))
        << text << ": " << firewall::parse_rules(text).error;
  }
}

TEST(FirewallTest, FirstRuleThatMatchesDecides) {
  const Firewall wall = make("allow udp from 10.1.0.0/16 port 53\ndeny udp from 10.0.0.0/8\nallow any from any\n");
  EXPECT_EQ(decide(wall, packets::udp_packet({.source = "10.1.2.3"}, 1, 53)).rule, 0u);
  EXPECT_EQ(decide(wall, packets::udp_packet({.source = "10.1.2.3"}, 1, 54)).rule, 1u);
  EXPECT_EQ(decide(wall, packets::tcp_packet({.source = "10.1.2.3"}, 1, 53)).rule, 2u);
  EXPECT_EQ(decide(wall, packets::udp_packet({.source = "11.1.2.3"}, 1, 54)).rule, 2u);
}

TEST(FirewallTest, ShorterPrefixWinsWhenItsRuleComesFirst) {
  const Firewall wall = make("deny any from 10.0.0.0/8\nallow any from 10.1.2.3\n");
  EXPECT_FALSE(decide(wall, packets::icmp_echo({.source = "10.1.2.3"})).allow);
}

TEST(FirewallTest, WithoutARuleThePacketIsDenied) {
  const auto decision = decide(make("allow tcp from any"), packets::icmp_echo({}));
  EXPECT_FALSE(decision.allow);
  EXPECT_EQ(decision.rule, firewall::Decision::no_rule);
}

TEST(FirewallTest, PortRangesIncludeTheirEnds) {
  const Firewall wall = make("allow tcp from any port 8000-8080");
  for (auto [port, allow] : {std::pair{7999, false}, {8000, true}, {8080, true}, {8081, false}}) {
    EXPECT_EQ(decide(wall, packets::tcp_packet({}, 1, static_cast<unsigned>(port))).allow, allow) << port;
  }
}

TEST(FirewallTest, Ipv4AndIpv6PrefixesAreApart) {
  const Firewall wall = make("deny any from ::/96\nallow any from 2001:db8::/32\nallow any from 0.0.0.0/0\n");
  EXPECT_EQ(decide(wall, packets::udp_packet({.source = "2001:db8:1::1", .destination = "::1"}, 1, 2)).rule, 1u);
  EXPECT_EQ(decide(wall, packets::udp_packet({.source = "2001:db9::1", .destination = "::1"}, 1, 2)).rule,
            firewall::Decision::no_rule);
  EXPECT_EQ(decide(wall, packets::udp_packet({.source = "1.2.3.4"}, 1, 2)).rule, 2u);
}

TEST(FirewallTest, ALaterFragmentMatchesRulesWithoutPorts) {
  const Firewall wall = make("deny udp from any port 9\nallow udp from any");
  EXPECT_EQ(decide(wall, packets::ip_packet({.fragment = 10}, packets::udp, Bytes(16))).rule, 1u);
}

// Every prefix length, against a plain comparison of bits.
TEST(FirewallTest, TrieAgreesWithBitByBitComparison) {
  std::vector<net::Prefix> prefixes;
  firewall::PrefixTrie trie;
  uint32_t random = 1;
  const auto next = [&] { return random = random * 1664525 + 1013904223; };
  for (unsigned length = 0; length <= 32; ++length) {
    const uint32_t mask = length == 0 ? 0 : ~0u << (32 - length);
    prefixes.push_back({net::Address::from_ipv4(next() & mask & 0xc1ffffff), 96 + length});
    trie.insert(prefixes.back(), length);
  }
  for (int i = 0; i < 20000; ++i) {
    uint32_t value = next();
    if (i % 2) value = prefixes[next() % prefixes.size()].address.ipv4() ^ (1u << next() % 32);
    const auto address = net::Address::from_ipv4(value);
    std::vector<size_t> expected, found;
    for (size_t p = 0; p < prefixes.size(); ++p) {
      const unsigned shift = 32 - (prefixes[p].length - 96);
      if (shift == 32 || (prefixes[p].address.ipv4() ^ value) >> shift == 0) expected.push_back(p);
    }
    trie.visit_matches(address,
                       [&](const std::vector<size_t>& of) { found.insert(found.end(), of.begin(), of.end()); });
    ASSERT_EQ(found, expected) << net::to_string(address);
  }
}

TEST(FirewallTest, CountsBySource) {
  Firewall wall = make("allow any from any");
  const auto a = net::Address::from_ipv4(1), b = net::Address::from_ipv4(2);
  wall.count(a, true);
  wall.count(a, false);
  EXPECT_EQ(wall.count(a, false).denied, 2u);
  EXPECT_EQ(wall.count(b, true).allowed, 1u);
  EXPECT_EQ(wall.sources(), 2u);
}

TEST(FirewallTest, SourcesAreBounded) {
  Firewall wall = make("allow any from any");
  for (uint32_t i = 0; i < Firewall::max_sources + 1000; ++i) wall.count(net::Address::from_ipv4(i), true);
  EXPECT_EQ(wall.sources(), Firewall::max_sources + 1);
  EXPECT_EQ(wall.count({}, true).allowed, 1001u);
}

TEST(AddressTest, TextAndBack) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255"}) {
    EXPECT_EQ(net::to_string(*net::parse_address(text)), text);
  }
  for (const char* text : {"2001:db8::1", "::1", "::", "fe80::", "1:2:3:4:5:6:7:8"}) {
    const auto address = net::parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(Bytes(address->bytes.begin(), address->bytes.end()), packets::address(text)) << text;
    EXPECT_EQ(packets::address(net::to_string(*address)), packets::address(text)) << net::to_string(*address);
  }
}

}  // namespace
