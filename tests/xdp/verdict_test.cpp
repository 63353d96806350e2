// SPDX-License-Identifier: Apache-2.0
// Every verdict means what it means in eBPF.
#include <gtest/gtest.h>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

TEST(Verdict, PassGivesTheSamePacketToTheSameDevice) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  const Tap near(network.near, "near"), far(network.far, "far");
  for (uint32_t serial = 0; serial < 50; ++serial) {
    const Bytes packet = order('p', 0, serial, 60 + serial * 29);
    far.send(packet);
    ASSERT_EQ(packet, near.receive()) << serial;
  }
  EXPECT_TRUE(Hooked::wait([&] { return hooked.total().pass_single == 50; }));
  EXPECT_EQ(50u, hooked.total().verdicts[2]);
}

TEST(Verdict, DropDrops) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  const Tap near(network.near, "near"), far(network.far, "far");
  for (uint32_t serial = 0; serial < 100; ++serial) far.send(order('d', 0, serial));
  far.send(order('p', 0, 1000));
  EXPECT_EQ(order('p', 0, 1000), near.receive());
  EXPECT_TRUE(Hooked::wait([&] { return hooked.total().packets == 101; }));
  EXPECT_EQ(100u, hooked.total().verdicts[1]);
}

}  // namespace
}  // namespace vbpf::xdp_test
