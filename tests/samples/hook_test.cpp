// SPDX-License-Identifier: Apache-2.0
// The samples as a host runs them: compiled by vbpf-clang++, verified, confined.
#include <gtest/gtest.h>

#include "loaded.h"
#include "vbpf/xdp.h"

namespace {

using packets::Bytes;

TEST(HelloSampleTest, PassesAndLogs) {
  Loaded hello("hello", "hello");
  ASSERT_EQ(hello.error, "");
  for (int i = 0; i < 1001; ++i) ASSERT_EQ(hello.send(Bytes(60)).verdict, XDP_PASS);
  EXPECT_EQ(hello.log, (std::vector<std::string>{"hello: packet 1, 60 bytes", "hello: packet 1001, 60 bytes"}));
}

TEST(FirewallSampleTest, DecidesByTheRules) {
  Loaded firewall("firewall", "firewall_xdp");
  ASSERT_EQ(firewall.error, "");
  const packets::Ip ordinary{}, documents{.source = "203.0.113.5"}, excepted{.source = "203.0.114.7"};
  const packets::Ip bad6{.source = "2001:db8:bad::1", .destination = "2001:db8::2"};
  const packets::Ip good6{.source = "2001:db8:900d::1", .destination = "2001:db8::2"};
  EXPECT_EQ(firewall.send(packets::icmp_echo(ordinary)).verdict, XDP_PASS);
  EXPECT_EQ(firewall.send(packets::udp_packet(ordinary, 1, 53)).verdict, XDP_PASS);
  EXPECT_EQ(firewall.send(packets::udp_packet(ordinary, 1, 9)).verdict, XDP_DROP);
  EXPECT_EQ(firewall.send(packets::udp_packet(excepted, 1, 9)).verdict, XDP_PASS);
  EXPECT_EQ(firewall.send(packets::tcp_packet(ordinary, 1, 23)).verdict, XDP_DROP);
  EXPECT_EQ(firewall.send(packets::icmp_echo(documents)).verdict, XDP_DROP);
  EXPECT_EQ(firewall.send(packets::tcp_packet(bad6, 1, 80)).verdict, XDP_DROP);
  EXPECT_EQ(firewall.send(packets::tcp_packet(good6, 1, 80)).verdict, XDP_PASS);
  EXPECT_EQ(firewall.send(packets::ethernet(ordinary, 0x0806, Bytes(28))).verdict, XDP_PASS);
  EXPECT_EQ(firewall.send(Bytes(13)).verdict, XDP_DROP);
}

TEST(FirewallSampleTest, CountsBySourceAndLogs) {
  Loaded firewall("firewall", "firewall_xdp");
  ASSERT_EQ(firewall.error, "");
  for (int i = 0; i < 8; ++i) firewall.send(packets::udp_packet({.source = "198.51.100.4"}, 1, 9));
  EXPECT_TRUE(firewall.logged("new source 198.51.100.4, denied"));
  EXPECT_TRUE(firewall.logged("198.51.100.4: 8 packets denied, 0 allowed"));
  EXPECT_FALSE(firewall.logged("7 packets denied"));
}

TEST(L7FilterSampleTest, DropsWhatHoldsAPattern) {
  Loaded filter("l7_filter", "l7_filter_xdp");
  ASSERT_EQ(filter.error, "");
  EXPECT_EQ(filter.send(packets::udp_packet({}, 1, 2, packets::text("harmless"))).verdict, XDP_PASS);
  EXPECT_EQ(filter.send(packets::udp_packet({}, 1, 2, packets::text("GET /etc/passwd"))).verdict, XDP_DROP);
  Bytes late(1400, 'x');
  const Bytes pattern = packets::text("<script");
  late.insert(late.end(), pattern.begin(), pattern.end());
  EXPECT_EQ(filter.send(packets::udp_packet({}, 1, 2, late)).verdict, XDP_DROP);
}

TEST(L7FilterSampleTest, BlocksAConnectionWhosePatternIsCutInTwo) {
  Loaded filter("l7_filter", "l7_filter_xdp");
  ASSERT_EQ(filter.error, "");
  const auto segment = [](unsigned port, uint32_t sequence, std::string_view text) {
    return packets::tcp_packet({}, port, 80, packets::text(text), sequence);
  };
  EXPECT_EQ(filter.send(segment(1000, 100, "a vbpf-forb")).verdict, XDP_PASS);
  EXPECT_EQ(filter.send(segment(1001, 111, "idden")).verdict, XDP_PASS);  // another connection
  EXPECT_EQ(filter.send(segment(1000, 111, "idden word")).verdict, XDP_DROP);
  EXPECT_EQ(filter.send(segment(1000, 111, "i")).verdict, XDP_DROP);  // sent again in smaller pieces
  EXPECT_EQ(filter.send(segment(1001, 116, "more")).verdict, XDP_PASS);
  EXPECT_TRUE(filter.logged("'vbpf-forbidden' in a TCP connection to port 80"));
}

TEST(LoadBalancerSampleTest, SendsToABackendAndBack) {
  Loaded balancer("load_balancer", "load_balancer_xdp");
  ASSERT_EQ(balancer.error, "");
  const packets::Ip question{.source = "198.51.100.9", .destination = "192.0.2.80"};
  const Answer sent = balancer.send(packets::tcp_packet(question, 4000, 8080, packets::text("question")));
  ASSERT_EQ(sent.verdict, XDP_TX);
  EXPECT_TRUE(packets::checksums_right(sent.packet));
  const uint8_t backend = sent.packet.at(33);  // the last byte of 10.77.1.x
  ASSERT_TRUE(backend >= 11 && backend <= 13) << int{backend};
  EXPECT_EQ(sent.packet[5], 0x11 + (backend - 11));

  const packets::Ip answer{.source = "10.77.1." + std::to_string(backend), .destination = "198.51.100.9"};
  const Answer back = balancer.send(packets::tcp_packet(answer, 8080, 4000, packets::text("answer")));
  ASSERT_EQ(back.verdict, XDP_TX);
  EXPECT_TRUE(packets::checksums_right(back.packet));
  EXPECT_EQ(Bytes(back.packet.begin() + 26, back.packet.begin() + 30), packets::address("192.0.2.80"));
  EXPECT_EQ(Bytes(back.packet.begin(), back.packet.begin() + 6), question.source_mac);
  EXPECT_EQ(balancer.send(packets::icmp_echo(question)).verdict, XDP_PASS);
}

TEST(CrashSampleTest, EachCrashEndsThatInvocationOnly) {
  Loaded crash("crash", "crash");
  ASSERT_EQ(crash.error, "");
  const std::pair<unsigned, vbpf::FaultKind> triggers[] = {{666, vbpf::FaultKind::bad_address},
                                                           {667, vbpf::FaultKind::budget},
                                                           {668, vbpf::FaultKind::stack_overflow},
                                                           {669, vbpf::FaultKind::abort}};
  for (const auto& [port, kind] : triggers) {
    const Answer answer = crash.send(packets::udp_packet({}, 1, port));
    ASSERT_TRUE(answer.fault) << port;
    EXPECT_EQ(answer.fault->kind, kind) << port << ": " << to_string(answer.fault->kind);
    EXPECT_EQ(answer.verdict, XDP_ABORTED);
    EXPECT_EQ(crash.send(packets::udp_packet({}, 1, 53)).verdict, XDP_PASS);
  }
}

}  // namespace
