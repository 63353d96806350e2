// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "balancer.h"
#include "packets.h"

namespace {

using load_balancer::Balancer;
using load_balancer::Candidate;
using load_balancer::Maglev;
using packets::Bytes;

constexpr uint32_t service_address = 0xc0000250;  // 192.0.2.80
const load_balancer::Backend backend_a{0x0a4d010b, {2, 0, 0, 0, 1, 0x11}, 1};
const load_balancer::Backend backend_b{0x0a4d010c, {2, 0, 0, 0, 1, 0x12}, 1};

struct Handled {
  Balancer::Action action;
  Bytes frame;
};

Handled handle(Balancer& balancer, Bytes frame) {
  auto packet = net::parse(frame);
  EXPECT_TRUE(packet);
  const auto action = balancer.handle(*packet);
  return {action, frame};
}

std::string part(const Bytes& frame, size_t at, size_t size) {
  return {frame.begin() + static_cast<long>(at), frame.begin() + static_cast<long>(at + size)};
}
std::string text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

TEST(MaglevTest, SlotsFollowTheWeights) {
  const Candidate candidates[] = {{1, 1}, {2, 2}, {3, 5}, {4, 0}};
  const Maglev table(candidates);
  std::map<size_t, size_t> slots;
  for (size_t candidate : table.table()) ++slots[candidate];
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_NEAR(static_cast<double>(slots[0]), 65537 / 8.0, 8);
  EXPECT_NEAR(static_cast<double>(slots[1]), 65537 / 4.0, 8);
  EXPECT_NEAR(static_cast<double>(slots[2]), 65537 * 5 / 8.0, 8);
}

TEST(MaglevTest, FewKeysMoveWhenACandidateLeaves) {
  std::vector<Candidate> candidates;
  for (uint64_t id = 1; id <= 10; ++id) candidates.push_back({id, 1});
  const Maglev before(candidates);
  candidates[3].weight = 0;
  const Maglev after(candidates);
  size_t moved = 0;
  for (size_t i = 0; i < before.table().size(); ++i) {
    if (before.table()[i] != 3 && before.table()[i] != after.table()[i]) ++moved;
  }
  EXPECT_LT(moved, before.table().size() / 20);  // its own tenth moves, and less than 5 % of the others
}

TEST(MaglevTest, WithoutWeightsNoneIsPicked) {
  const Candidate candidates[] = {{1, 0}};
  EXPECT_EQ(Maglev(candidates).pick(7), Maglev::none);
  EXPECT_EQ(Maglev({}).pick(7), Maglev::none);
}

TEST(LruMapTest, TheEntryUsedLongestAgoMakesRoom) {
  LruMap<int, int, std::hash<int>> map(3);
  for (int key : {1, 2, 3}) map.insert(key, key * 10);
  EXPECT_EQ(*map.find(1), 10);
  map.insert(2, 21);
  map.insert(4, 40);
  EXPECT_EQ(map.find(3), nullptr);
  EXPECT_EQ(*map.find(2), 21);
  EXPECT_EQ(map.size(), 3u);
  map.erase(2);
  EXPECT_EQ(map.find(2), nullptr);
}

class BalancerTest : public testing::Test {
 protected:
  Balancer balancer{{service_address, 8080}, {backend_a}, 7};
  const packets::Ip question{.source = "198.51.100.9", .destination = "192.0.2.80"};
  const packets::Ip answer{.source = "10.77.1.11", .destination = "198.51.100.9", .source_mac = {2, 0, 0, 0, 1, 0x11}};
};

TEST_F(BalancerTest, SendsTheServicesPacketsToTheBackend) {
  for (const Bytes& frame :
       {packets::tcp_packet(question, 4000, 8080, packets::text("hello")),
        packets::udp_packet(question, 4000, 8080, packets::text("odd")),
        packets::tcp_packet({.source = question.source, .destination = question.destination, .options = Bytes(4, 1)},
                            4000, 8080)}) {
    const Handled handled = handle(balancer, frame);
    EXPECT_EQ(handled.action, Balancer::Action::transmit);
    EXPECT_EQ(part(handled.frame, 0, 6), text({2, 0, 0, 0, 1, 0x11}));
    EXPECT_EQ(part(handled.frame, 6, 6), text(question.destination_mac));
    EXPECT_EQ(part(handled.frame, 30, 4), text(packets::address("10.77.1.11")));
    EXPECT_EQ(part(handled.frame, 26, 4), part(frame, 26, 4));
    EXPECT_TRUE(packets::checksums_right(handled.frame));
  }
}

TEST_F(BalancerTest, AnswersComeFromTheService) {
  handle(balancer, packets::udp_packet(question, 4000, 8080));
  const Handled handled = handle(balancer, packets::udp_packet(answer, 8080, 4000, packets::text("answer")));
  EXPECT_EQ(handled.action, Balancer::Action::transmit);
  EXPECT_EQ(part(handled.frame, 0, 6), text(question.source_mac));
  EXPECT_EQ(part(handled.frame, 26, 4), text(packets::address("192.0.2.80")));
  EXPECT_TRUE(packets::checksums_right(handled.frame));
}

TEST_F(BalancerTest, WhatIsNotTheServicesPassesUnchanged) {
  handle(balancer, packets::udp_packet(question, 4000, 8080));
  packets::Ip stranger = answer;
  stranger.source = "10.77.1.12";
  packets::Ip six{.source = "2001:db8::1", .destination = "2001:db8::2"};
  for (const Bytes& frame :
       {packets::udp_packet(question, 4000, 8081), packets::udp_packet({}, 4000, 8080), packets::icmp_echo(question),
        packets::udp_packet(stranger, 8080, 4000), packets::udp_packet(answer, 8080, 4001),
        packets::tcp_packet(answer, 8080, 4000), packets::udp_packet(six, 4000, 8080)}) {
    const Handled handled = handle(balancer, frame);
    EXPECT_EQ(handled.action, Balancer::Action::pass);
    EXPECT_EQ(handled.frame, frame);
  }
}

TEST_F(BalancerTest, FragmentsToTheServiceAreDropped) {
  packets::Ip fragment = question;
  fragment.fragment = 100;
  EXPECT_EQ(handle(balancer, packets::ip_packet(fragment, packets::udp, Bytes(16))).action, Balancer::Action::drop);
}

TEST_F(BalancerTest, UdpWithoutAChecksumStaysWithout) {
  Bytes frame = packets::udp_packet(question, 4000, 8080);
  packets::put16(frame, 40, 0);
  const Handled handled = handle(balancer, frame);
  EXPECT_EQ(part(handled.frame, 40, 2), std::string(2, '\0'));
}

TEST(BalancerSpreadTest, ConnectionsStayAndSpread) {
  Balancer balancer({service_address, 8080}, {backend_a, backend_b}, 7);
  std::map<std::string, int> count;
  for (unsigned port = 1000; port < 3000; ++port) {
    const Bytes frame = packets::tcp_packet({.source = "198.51.100.9", .destination = "192.0.2.80"}, port, 8080);
    const Handled first = handle(balancer, frame);
    EXPECT_EQ(first.frame, handle(balancer, frame).frame);
    EXPECT_TRUE(packets::checksums_right(first.frame));
    ++count[part(first.frame, 30, 4)];
  }
  ASSERT_EQ(count.size(), 2u);
  for (const auto& [backend, connections] : count) EXPECT_GT(connections, 800);
  EXPECT_EQ(balancer.connections(), 2000u);
}

TEST(ChecksumTest, EveryUpdateAgreesWithAFullSum) {
  Balancer balancer({service_address, 8080}, {{0xffffffff, {}, 1}}, 7);
  for (unsigned i = 0; i < 70000; ++i) {
    const Bytes payload = packets::be16(i & 0xffff);
    const Handled handled =
        handle(balancer,
               packets::udp_packet({.source = "255.255.255.255", .destination = "192.0.2.80"}, 65535, 8080, payload));
    ASSERT_TRUE(packets::checksums_right(handled.frame)) << i;
    ASSERT_FALSE(handled.frame[40] == 0 && handled.frame[41] == 0) << i;
  }
}

}  // namespace
