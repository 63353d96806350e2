// SPDX-License-Identifier: Apache-2.0
// Generic mode: what is given back meets the attached program again, and must not be judged twice.
#include <gtest/gtest.h>

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
  void expect_once() {
    uint32_t sent = 0;
    for (const uint32_t count : {1u, 1u, 5u, 300u, 1u, 1000u}) {
      std::vector<Bytes> packets;
      for (uint32_t i = 0; i < count; ++i, ++sent) packets.push_back(order('p', 0, sent, 60 + sent % 1400));
      far_.send(packets);
      ASSERT_EQ(packets, near_.receive_all(packets.size())) << count;
    }
    EXPECT_TRUE(near_.receive(50).empty()) << "nothing twice";
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
  expect_once();
}

// Receive packet steering moves packets to another CPU between injection and the attached program.
TEST_F(Generic, PassIsNotJudgedAgainOnAnotherCpu) {
  for (const char* cpus : {"1", "2", "3"}) {
    network_.in_near(std::string("sh -c 'echo ") + cpus + " > /sys/class/net/near/queues/rx-0/rps_cpus'");
    attach();
    expect_once();
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

// A device whose driver has no XDP.
TEST(GenericFallback, AutomaticTakesGenericWhereTheDriverCannot) {
  const Network network;
  run("ip -n " + network.near + " link add soft type dummy && ip -n " + network.near + " link set soft up");
  xdp::Options options;
  options.device = "soft";
  Hooked hooked(network, "obey", options);
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  EXPECT_FALSE(hooked.hook().info().native);
  hooked.detach();
  options.attach = xdp::AttachMode::native;
  Hooked native(network, "obey", options);
  EXPECT_FALSE(native.attached());
  EXPECT_NE(std::string::npos, native.error().find("in native mode")) << native.error();
}

}  // namespace
}  // namespace vbpf::xdp_test
