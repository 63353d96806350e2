// SPDX-License-Identifier: Apache-2.0
// Verdicts of an extension in the kernel do to real packets what they do in eBPF.
#include <gtest/gtest.h>
#include <net/if.h>

#include <optional>

#include "network.h"
#include "registry.h"
#include "resident.h"
#include "stub.h"

namespace vbpf::xdp_test {
namespace {

class ResidentVerdict : public testing::TestWithParam<xdp::AttachMode> {
 protected:
  void SetUp() override {
    const InNamespace in(network_.near);
    kernel::ResidentOptions options;
    options.name = "verdict";
    options.budget = std::chrono::milliseconds(100);  // emulated CPUs may be away for long
    auto loaded = kernel::Resident::load(XDP_EXTENSIONS "/obey.o", options);
    ASSERT_TRUE(loaded) << loaded.error().message;
    resident_.emplace(std::move(*loaded));
    const auto device = xdp::find_device("near");
    ASSERT_TRUE(device) << device.error().message;
    auto stub = kernel::attach_stub(*device, resident_->id(), 0, GetParam());
    ASSERT_TRUE(stub) << stub.error().message;
    stub_.emplace(std::move(*stub));
  }

  const Network network_;
  const Tap near_{network_.near, "near"}, far_{network_.far, "far"};
  std::optional<kernel::Resident> resident_;
  std::optional<kernel::Stub> stub_;
};

TEST_P(ResidentVerdict, PassKeepsBytesAndOrder) {
  std::vector<Bytes> packets;
  for (uint32_t serial = 0; serial < 200; ++serial) packets.push_back(order('p', 0, serial, 60 + serial * 7));
  far_.send(packets);
  EXPECT_EQ(packets, near_.receive_all(packets.size()));
}

TEST_P(ResidentVerdict, DropAbortedAndNonsenseAreDropped) {
  far_.send({order('d', 0, 1), order('a', 0, 2), order('n', 0, 3), order('p', 0, 4)});
  EXPECT_EQ(order('p', 0, 4), near_.receive());
}

// In native mode the far end of a veth takes frames only under NAPI, whoever sends them: there the verdict counts.
TEST_P(ResidentVerdict, TransmitSendsItBack) {
  far_.send(order('t', 0, 1));
  if (GetParam() == xdp::AttachMode::generic) {
    EXPECT_EQ(order('t', 0, 1), far_.receive());
  } else {
    EXPECT_TRUE(near_.receive(300).empty());
  }
  const auto info = resident_->info();
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(1u, info->verdicts[3]);
}

TEST_P(ResidentVerdict, RedirectGoesToTheNamedDevice) {
  network_.in_near("ip link add other type veth peer name beyond");
  network_.in_near("ip link set other up");
  network_.in_near("ip link set beyond up");
  network_.in_near("ethtool -K beyond gro on");
  const Tap beyond(network_.near, "beyond");
  uint32_t other = 0;
  {
    const InNamespace in(network_.near);
    other = if_nametoindex("other");
  }
  ASSERT_NE(0u, other);
  far_.send({order('r', other, 1), order('r', 12345, 2), order('r', other, 3)});
  EXPECT_EQ(order('r', other, 1), beyond.receive());
  EXPECT_EQ(order('r', other, 3), beyond.receive()) << "there is no device 12345";
}

TEST_P(ResidentVerdict, WritesReachThePacket) {
  far_.send(order('w', 0, 1, 1000));
  Bytes expected = order('w', 0, 1, 1000);
  const Bytes got = near_.receive();
  ASSERT_EQ(expected.size(), got.size());
  EXPECT_NE(expected, got);
  for (size_t i = 20; i < expected.size(); ++i) expected[i] = static_cast<uint8_t>(~expected[i]);
  EXPECT_EQ(expected, got);
}

TEST_P(ResidentVerdict, AProgramWithoutItsExtensionAborts) {
  far_.send(order('p', 0, 1));
  EXPECT_EQ(order('p', 0, 1), near_.receive());
  resident_.reset();
  far_.send(order('p', 0, 2));
  EXPECT_TRUE(near_.receive(300).empty());
  stub_.reset();
  far_.send(order('p', 0, 3));
  EXPECT_EQ(order('p', 0, 3), near_.receive());
}

INSTANTIATE_TEST_SUITE_P(Modes, ResidentVerdict, testing::Values(xdp::AttachMode::native, xdp::AttachMode::generic),
                         [](const auto& info) { return info.param == xdp::AttachMode::native ? "native" : "generic"; });

}  // namespace
}  // namespace vbpf::xdp_test
