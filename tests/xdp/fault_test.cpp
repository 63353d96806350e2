// SPDX-License-Identifier: Apache-2.0
// What happens when the extension faults, by policy.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

class OnFaultTest : public testing::Test {
 protected:
  void attach(OnFault policy, uint32_t max_restarts = 10) {
    xdp::Options options = near_device();
    options.on_fault = policy;
    options.max_restarts = max_restarts;
    hooked_.emplace(network_, "obey", options);
    ASSERT_TRUE(hooked_->attached()) << hooked_->error();
  }
  uint32_t calls(uint32_t serial) {
    far_.send(order('c', 0, serial));
    const Bytes got = near_.receive();
    uint32_t count = 0;
    if (got.size() >= 20) std::memcpy(&count, got.data() + 16, sizeof(count));
    return count;
  }
  const Network network_;
  const Tap near_{network_.near, "near"}, far_{network_.far, "far"};
  std::optional<Hooked> hooked_;
};

TEST_F(OnFaultTest, RestartMakesAFreshInstanceAndLosesOnlyThatPacket) {
  attach(OnFault::restart);
  EXPECT_EQ(1u, calls(1));
  EXPECT_EQ(2u, calls(2));
  far_.send(order('f'));
  EXPECT_EQ(1u, calls(3)) << "globals are new";
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().restarts == 1; }));
  const auto total = hooked_->total();
  EXPECT_EQ(1u, total.faults);
  EXPECT_EQ(1u, total.verdicts[0]);
  EXPECT_EQ(3u, total.verdicts[2]);
  const auto events = hooked_->events();
  ASSERT_EQ(2u, events.size());
  EXPECT_EQ(Event::Kind::fault, events[0].kind);
  ASSERT_TRUE(events[0].fault.has_value());
  EXPECT_EQ(FaultKind::bad_address, events[0].fault->kind);
  EXPECT_EQ(8u, events[0].fault->address);
  EXPECT_EQ(Event::Kind::restart, events[1].kind);
}

TEST_F(OnFaultTest, RestartInAMiddleOfABurst) {
  attach(OnFault::restart, 1000);
  std::vector<Bytes> packets, expected;
  for (uint32_t serial = 0; serial < 600; ++serial) {
    packets.push_back(order(serial % 61 == 60 ? 'f' : 'p', 0, serial));
    if (serial % 61 != 60) expected.push_back(packets.back());
  }
  far_.send(packets);
  EXPECT_EQ(expected, near_.receive_all(expected.size()));
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().restarts == 9; })) << hooked_->total().restarts;
}

TEST_F(OnFaultTest, TooManyRestartsDetach) {
  attach(OnFault::restart, 3);
  far_.send({order('f'), order('f'), order('f'), order('f'), order('p', 0, 9)});
  EXPECT_EQ(order('p', 0, 9), near_.receive());
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->hook().detached().has_value(); }));
  EXPECT_EQ("obey faulted more than 3 times within a minute", hooked_->hook().detached().value_or(""));
  EXPECT_EQ(4u, hooked_->total().faults);
  far_.send(order('d', 0, 10));
  EXPECT_EQ(order('d', 0, 10), near_.receive()) << "nothing looks at packets any more";
}

TEST_F(OnFaultTest, DetachLeavesTrafficAsIfUnloaded) {
  attach(OnFault::detach);
  std::vector<Bytes> packets = {order('f')};
  for (uint32_t serial = 0; serial < 100; ++serial) packets.push_back(order('d', 0, serial));
  far_.send(packets);
  // The orders to drop arrive: nobody obeys them. What comes after the detaching may overtake what waited for it.
  packets.erase(packets.begin());
  std::vector<Bytes> got = near_.receive_all(packets.size());
  std::sort(got.begin(), got.end());
  std::sort(packets.begin(), packets.end());
  EXPECT_EQ(packets, got);
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->hook().detached().has_value(); }));
  EXPECT_EQ("obey faulted (bad-address), and the policy is to detach", hooked_->hook().detached().value_or(""));
  EXPECT_EQ(std::string::npos, output_of("ip -n " + network_.near + " link show near").find("prog/xdp"));
}

TEST_F(OnFaultTest, PassGivesThePacketBackAndGoesOn) {
  attach(OnFault::pass);
  far_.send({order('f', 0, 1), order('p', 0, 2), order('f', 0, 3)});
  EXPECT_EQ((std::vector<Bytes>{order('f', 0, 1), order('p', 0, 2), order('f', 0, 3)}), near_.receive_all(3));
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().faults == 2; }));
  EXPECT_EQ(0u, hooked_->total().restarts);
  EXPECT_EQ(3u, hooked_->total().verdicts[2]);
  EXPECT_EQ(4u, calls(4)) << "the same instance";
}

}  // namespace
}  // namespace vbpf::xdp_test
