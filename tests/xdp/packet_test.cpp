// SPDX-License-Identifier: Apache-2.0
// What an extension may do to a packet, what it may not, and packets that are not plain.
#include <gtest/gtest.h>
#include <linux/if_ether.h>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

class Packet : public testing::Test {
 protected:
  void attach(const xdp::Options& options = near_device()) {
    hooked_.emplace(network_, "obey", options);
    ASSERT_TRUE(hooked_->attached()) << hooked_->error();
  }
  const Network network_;
  const Tap near_{network_.near, "near"}, far_{network_.far, "far"};
  std::optional<Hooked> hooked_;
};

TEST_F(Packet, GrowsIntoTheHeadroom) {
  attach();
  for (const uint32_t by : {14u, 20u, 100u, 256u}) {
    const Bytes packet = order('+', by, 1, 100);
    far_.send(packet);
    const Bytes got = near_.receive();
    ASSERT_EQ(100 + by, got.size());
    EXPECT_EQ(Bytes(packet.begin(), packet.begin() + 14), Bytes(got.begin(), got.begin() + 14));
    // The original lies behind; its Ethernet header is what was copied from.
    EXPECT_EQ(Bytes(packet.begin() + 14, packet.end()), Bytes(got.begin() + by + 14, got.end()));
  }
}

TEST_F(Packet, ShrinksAtTheFront) {
  attach();
  const Bytes packet = order('-', 8, 1, 100);
  far_.send(packet);
  const Bytes got = near_.receive();
  ASSERT_EQ(92u, got.size());
  EXPECT_EQ(Bytes(packet.begin() + 22, packet.end()), Bytes(got.begin() + 14, got.end()));
}

TEST_F(Packet, GrowsAndShrinksAtTheEnd) {
  attach();
  Bytes longer = order('>', 200, 1, 100), shorter = order('<', 30, 1, 100);
  far_.send(longer);
  longer.resize(300, 0x5a);
  EXPECT_EQ(longer, near_.receive());
  far_.send(shorter);
  shorter.resize(70);
  EXPECT_EQ(shorter, near_.receive());
}

TEST_F(Packet, BeyondTheMtuStillPasses) {
  attach();
  Bytes packet = order('>', 250, 1, 1514);
  far_.send(packet);
  packet.resize(1764, 0x5a);
  EXPECT_EQ(packet, near_.receive());
}

// Pointers that an extension left are believed only inside the packet's own frame.
TEST_F(Packet, WildPointersAbort) {
  attach();
  uint64_t aborted = 0;
  for (const char verb : {'H', 'T', 'S', 'Z', 'X', 'R'}) {
    far_.send(order(verb, 0, 1, 100));
    far_.send(order('p', 0, static_cast<uint32_t>(verb)));
    ASSERT_EQ(order('p', 0, static_cast<uint32_t>(verb)), near_.receive()) << verb;
    ++aborted;
    EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().verdicts[0] == aborted; })) << verb;
  }
  EXPECT_TRUE(far_.receive(50).empty());
}

TEST_F(Packet, VlanTagsStay) {
  const Tap everything(network_.near, "near", ETH_P_ALL);
  attach();
  for (const Bytes& tag : {Bytes{0x81, 0x00, 0x20, 0x07}, Bytes{0x88, 0xa8, 0x00, 0x05, 0x81, 0x00, 0x00, 0x07}}) {
    for (const uint32_t count : {1u, 300u}) {
      std::vector<Bytes> packets;
      for (uint32_t serial = 0; serial < count; ++serial) {
        packets.push_back(order('p', 0, serial, 100));
        packets.back().insert(packets.back().begin() + 12, tag.begin(), tag.end());
      }
      far_.send(packets);
      EXPECT_EQ(packets, everything.receive_all(packets.size()))
          << tag.size() << " bytes of tags, " << count << " packets";
    }
  }
}

TEST_F(Packet, OtherDestinationsAreNotMadeOurs) {
  attach();
  Bytes packet = order('p', 0, 1, 100);
  const Bytes elsewhere = {0x02, 0, 0, 0, 0, 0x99};
  std::copy(elsewhere.begin(), elsewhere.end(), packet.begin());
  far_.send(packet);
  EXPECT_EQ(packet, near_.receive());
}

TEST(LargePacket, JumboFrames) {
  const Network network("", 3000);
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  EXPECT_EQ(4096u, hooked.hook().info().frame_size);
  const Tap near(network.near, "near"), far(network.far, "far");
  for (const size_t size : {60u, 2000u, 3000u, 3014u}) {
    far.send(order('p', 0, 1, size));
    EXPECT_EQ(order('p', 0, 1, size), near.receive()) << size;
  }
  // Longer than live frames can be: one by one, also in a burst.
  std::vector<Bytes> packets, expected;
  for (uint32_t serial = 0; serial < 200; ++serial) {
    packets.push_back(order('>', serial % 2 == 0 ? 600 : 1, serial, 3000));
    expected.push_back(packets.back());
    expected.back().resize(serial % 2 == 0 ? 3600 : 3001, 0x5a);
  }
  far.send(packets);
  size_t arrived = 0;
  for (const Bytes& got : near.receive_all(200, 500)) {
    // What exceeds the MTU by more than a tag cannot go through a packet socket.
    while (arrived < expected.size() && expected[arrived] != got) ++arrived;
    ASSERT_LT(arrived, expected.size());
  }
}

TEST(LargePacket, MtuThatFramesDoNotHoldIsRefused) {
  const Network network("", 9000);
  Hooked hooked(network, "obey");
  ASSERT_FALSE(hooked.attached());
  EXPECT_EQ(
      "the MTU of near is 9000, and frames of 4096 bytes hold at most 3818: lower it with `ip link set near mtu N`",
      hooked.error());
}

}  // namespace
}  // namespace vbpf::xdp_test
