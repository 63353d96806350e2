// SPDX-License-Identifier: Apache-2.0
// Generic mode: what is given back meets the attached program again, and must not be judged twice.
#include <gtest/gtest.h>
#include <linux/if_ether.h>

#include <cstring>
#include <functional>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

class Generic : public testing::Test {
 protected:
  void attach(const char* name = "obey") {
    xdp::Options options = near_device();
    options.attach = xdp::AttachMode::generic;
    hooked_.emplace(network_, name, options);
    ASSERT_TRUE(hooked_->attached()) << hooked_->error();
    EXPECT_FALSE(hooked_->hook().info().native);
  }
  // Single packets and bursts, each judged exactly once.
  void expect_once(const Tap& near, const std::function<Bytes(uint32_t)>& make) {
    uint32_t sent = 0;
    for (const uint32_t count : {1u, 1u, 5u, 300u, 1u, 1000u}) {
      std::vector<Bytes> packets;
      for (uint32_t i = 0; i < count; ++i) packets.push_back(make(sent++));
      far_.send(packets);
      ASSERT_EQ(packets, near.receive_all(packets.size())) << count;
    }
    EXPECT_TRUE(near.receive(50).empty()) << "nothing twice";
    EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().pass_batch == sent; }));
    EXPECT_EQ(sent, hooked_->total().packets);
    EXPECT_EQ(0u, hooked_->total().dropped);
  }
  const Network network_;
  const Tap near_{network_.near, "near"}, far_{network_.far, "far"};
  std::optional<Hooked> hooked_;
};

TEST_F(Generic, PassIsNotJudgedAgain) {
  attach();
  expect_once(near_, [](uint32_t serial) { return order('p', 0, serial, 60 + serial % 1400); });
}

// IPv4 and UDP: steering goes by flow.
Bytes datagram(uint16_t port, uint32_t serial) {
  Bytes packet = {0xff,
                  0xff,
                  0xff,
                  0xff,
                  0xff,
                  0xff,
                  0x02,
                  0,
                  0,
                  0,
                  0,
                  1,
                  0x08,
                  0x00,
                  0x45,
                  0,
                  0,
                  46,
                  0,
                  0,
                  0,
                  0,
                  64,
                  17,
                  0,
                  0,
                  198,
                  51,
                  100,
                  1,
                  198,
                  51,
                  100,
                  2,
                  static_cast<uint8_t>(port >> 8),
                  static_cast<uint8_t>(port),
                  0,
                  9,
                  0,
                  26,
                  0,
                  0};
  packet.resize(60);
  std::memcpy(packet.data() + 42, &serial, sizeof(serial));
  return packet;
}

// Receive packet steering moves packets to another CPU between injection and the attached program.
TEST_F(Generic, PassIsNotJudgedAgainOnAnotherCpu) {
  const Tap near(network_.near, "near", ETH_P_IP);
  for (const char* cpus : {"1", "2", "3"}) {
    network_.in_near(std::string("sh -c 'echo ") + cpus + " > /sys/class/net/near/queues/rx-0/rps_cpus'");
    attach();
    for (uint16_t port = 1000; port < 1004; ++port) {
      expect_once(near, [port](uint32_t serial) { return datagram(port, serial); });
      hooked_.reset();
      attach();
    }
    hooked_.reset();
  }
}

TEST_F(Generic, EveryPacketIsJudgedWhileOthersAreGivenBack) {
  attach();
  std::vector<Bytes> all, passed;
  for (uint32_t serial = 0; serial < 1000; ++serial) {
    all.push_back(order(serial % 3 == 0 ? 'd' : 'p', 0, serial));
    if (serial % 3 != 0) passed.push_back(all.back());
  }
  for (int round = 0; round < 5; ++round) {
    far_.send(all);
    ASSERT_EQ(passed, near_.receive_all(passed.size()));
  }
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().packets == 5000; }));
  EXPECT_EQ(1670u, hooked_->total().verdicts[1]);
}

TEST_F(Generic, TransmitSendsBack) {
  attach();
  far_.send(order('t', 0, 5));
  EXPECT_EQ(order('t', 0, 5), far_.receive());
}

TEST(GenericMtu, IsLimitedByLiveFrames) {
  const Network network("", 3600);
  xdp::Options options = near_device();
  options.attach = xdp::AttachMode::generic;
  Hooked hooked(network, "obey", options);
  ASSERT_FALSE(hooked.attached());
  EXPECT_EQ(
      "the MTU of near is 3600, and in generic mode it can be at most 3370: lower it with `ip link set near mtu N`",
      hooked.error());
}

// A device whose driver has no XDP of its own.
TEST(GenericFallback, AutomaticTakesGenericWhereTheDriverCannot) {
  const Network network;
  run("ip -n " + network.near + " link add soft type ifb && ip -n " + network.near + " link set soft up");
  xdp::Options options;
  options.device = "soft";
  Hooked hooked(network, "obey", options);
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  EXPECT_FALSE(hooked.hook().info().native);
  hooked.detach();
  options.attach = xdp::AttachMode::native;
  Hooked native(network, "obey", options);
  EXPECT_FALSE(native.attached());
  EXPECT_EQ("the eBPF program could not be attached to soft in native mode: Operation not supported", native.error());
}

}  // namespace
}  // namespace vbpf::xdp_test
