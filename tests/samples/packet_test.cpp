// SPDX-License-Identifier: Apache-2.0
#include "packet.h"

#include <gtest/gtest.h>

#include "packets.h"

namespace {

using packets::Bytes;
using packets::operator+;  // NOLINT(misc-unused-using-decls): used below

std::string payload_of(Bytes& frame) {
  const auto packet = net::parse(frame);
  return packet ? std::string(packet->payload.begin(), packet->payload.end()) : "malformed";
}

TEST(ParseTest, UdpOverIpv4) {
  Bytes frame = packets::udp_packet({}, 1000, 53, packets::text("query"));
  const auto packet = net::parse(frame);
  ASSERT_TRUE(packet && packet->ipv4 && packet->udp);
  EXPECT_EQ(packet->ipv4->source, 0xc0000201u);
  EXPECT_EQ(packet->udp->destination, 53);
  EXPECT_EQ(payload_of(frame), "query");
}

TEST(ParseTest, LeavesEthernetPaddingOut) {
  Bytes frame = packets::udp_packet({}, 1000, 53, packets::text("q")) + Bytes(20, 0xee);
  EXPECT_EQ(payload_of(frame), "q");
}

TEST(ParseTest, SkipsIpAndTcpOptions) {
  Bytes frame = packets::tcp_packet({.options = Bytes(8, 1)}, 1, 2, packets::text("data"), 1, 0x18, Bytes(12, 1));
  EXPECT_EQ(payload_of(frame), "data");
}

TEST(ParseTest, SeesThroughOneAndTwoVlanTags) {
  Bytes one = packets::udp_packet({.vlan = {0x81, 0, 0, 5}}, 1, 2, packets::text("x"));
  Bytes two = packets::udp_packet({.vlan = {0x88, 0xa8, 0, 9, 0x81, 0, 0, 5}}, 1, 2, packets::text("y"));
  EXPECT_EQ(payload_of(one), "x");
  EXPECT_EQ(payload_of(two), "y");
}

TEST(ParseTest, LaterFragmentHasNoPorts) {
  Bytes frame = packets::ip_packet({.fragment = 185}, packets::udp, packets::text("rest"));
  const auto packet = net::parse(frame);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->fragment);
  EXPECT_EQ(packet->fragment_offset, 1480);
  EXPECT_EQ(packet->udp, nullptr);
  EXPECT_EQ(payload_of(frame), "rest");
}

TEST(ParseTest, FirstFragmentHasPortsAndWhatIsThereOfThePayload) {
  Bytes frame =
      packets::ip_packet({.fragment = 0x2000}, packets::udp,
                         packets::be16(1) + packets::be16(2) + packets::be16(2000) + packets::be16(0) + Bytes(16, 'a'));
  const auto packet = net::parse(frame);
  ASSERT_TRUE(packet && packet->udp);
  EXPECT_EQ(packet->payload.size(), 16u);
}

TEST(ParseTest, WalksIpv6ExtensionHeaders) {
  const Bytes hop_by_hop{60, 0, 1, 4, 0, 0, 0, 0}, destination{17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  Bytes frame = packets::udp_packet({.source = "2001:db8::1",
                                     .destination = "2001:db8::2",
                                     .options = hop_by_hop + destination,
                                     .first_extension = 0},
                                    1, 53, packets::text("six"));
  const auto packet = net::parse(frame);
  ASSERT_TRUE(packet && packet->ipv6 && packet->udp);
  EXPECT_EQ(packet->udp->destination, 53);
  EXPECT_EQ(payload_of(frame), "six");
}

TEST(ParseTest, LaterIpv6FragmentHasNoPorts) {
  Bytes frame = packets::ip_packet({.source = "2001:db8::1",
                                    .destination = "2001:db8::2",
                                    .options = {17, 0, 0x05, 0xc8, 0, 0, 0, 1},
                                    .first_extension = 44},
                                   packets::udp, packets::text("rest"));
  const auto packet = net::parse(frame);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->fragment_offset, 1480);
  EXPECT_EQ(packet->protocol, packets::udp);
  EXPECT_EQ(packet->udp, nullptr);
}

TEST(ParseTest, EveryCutOfATcpPacketIsMalformed) {
  const Bytes whole = packets::tcp_packet({.vlan = {0x81, 0, 0, 5}}, 1, 2, packets::text("data"));
  for (size_t size = 0; size < whole.size(); ++size) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<long>(size));
    cut.shrink_to_fit();
    EXPECT_FALSE(net::parse(cut)) << size;
  }
}

TEST(ParseTest, LengthsThatLieAreMalformed) {
  for (auto [at, value] : {std::pair{14, 0x44}, {14, 0x4f}, {14, 0x65}, {16, 0xff}, {16, 0}, {38, 0xff}, {39, 7}}) {
    Bytes frame = packets::udp_packet({}, 1, 2, packets::text("payload"));
    frame[static_cast<size_t>(at)] = static_cast<uint8_t>(value);
    if (at == 16 && value == 0) frame[17] = 19;
    EXPECT_FALSE(net::parse(frame)) << at << " = " << value;
  }
}

TEST(ParseTest, ArpIsNeitherIpv4NorIpv6) {
  Bytes frame = packets::ethernet({}, 0x0806, Bytes(28));
  const auto packet = net::parse(frame);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->ipv4, nullptr);
  EXPECT_EQ(packet->ipv6, nullptr);
}

}  // namespace
