// SPDX-License-Identifier: Apache-2.0
// Every verdict means what it means in eBPF: singly, in bursts, and mixed.
#include <gtest/gtest.h>
#include <net/if.h>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

std::vector<Bytes> orders(char verb, uint32_t count, uint32_t argument = 0, size_t size = 60) {
  std::vector<Bytes> packets;
  for (uint32_t serial = 0; serial < count; ++serial) packets.push_back(order(verb, argument, serial, size));
  return packets;
}

class Verdict : public testing::Test {
 protected:
  void attach(const xdp::Options& options = near_device()) {
    hooked_.emplace(network_, "obey", options);
    ASSERT_TRUE(hooked_->attached()) << hooked_->error();
  }
  // The far side sends until the hook has used live frames; everything must arrive at `at`, in order.
  void burst_until_batched(const Tap& at, const std::vector<Bytes>& packets, const std::function<bool()>& batched) {
    for (int attempt = 0; attempt < 50 && !batched(); ++attempt) {
      far_.send(packets);
      ASSERT_EQ(packets, at.receive_all(packets.size()));
    }
    EXPECT_TRUE(batched());
  }

  const Network network_;
  const Tap near_{network_.near, "near"}, far_{network_.far, "far"};
  std::optional<Hooked> hooked_;
};

TEST_F(Verdict, PassGivesTheSamePacketToTheSameDevice) {
  attach();
  for (uint32_t serial = 0; serial < 50; ++serial) {
    const Bytes packet = order('p', 0, serial, 60 + serial * 29);
    far_.send(packet);
    ASSERT_EQ(packet, near_.receive()) << serial;
  }
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().pass_single == 50; }));
  EXPECT_EQ(50u, hooked_->total().verdicts[2]);
}

TEST_F(Verdict, PassKeepsBytesAndOrderInBursts) {
  attach();
  burst_until_batched(near_, orders('p', 400), [&] { return hooked_->total().pass_batch > 1000; });
  EXPECT_EQ(0u, hooked_->total().dropped);
}

TEST_F(Verdict, PassKeepsBytesAndOrderForEveryLength) {
  attach();
  std::vector<Bytes> packets;
  for (uint32_t size = 60; size <= 1514; ++size) packets.push_back(order('p', 0, size, size));
  burst_until_batched(near_, packets, [&] { return hooked_->total().pass_batch > 1000; });
}

TEST_F(Verdict, PassKeepsOrderAcrossBothWays) {
  attach();
  uint32_t serial = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<Bytes> packets;
    for (int i = 0; i < (round % 7) * (round % 11) + 1; ++i) packets.push_back(order('p', 0, serial++));
    far_.send(packets);
    ASSERT_EQ(packets, near_.receive_all(packets.size())) << round;
  }
}

TEST_F(Verdict, PassShowsWhatTheExtensionWrote) {
  attach();
  Bytes packet = order('w', 0, 7, 200);
  far_.send(packet);
  for (size_t at = 20; at < packet.size(); ++at) packet[at] = static_cast<uint8_t>(~packet[at]);
  EXPECT_EQ(packet, near_.receive());
}

TEST_F(Verdict, DropDrops) {
  attach();
  far_.send(orders('d', 100));
  far_.send(order('p', 0, 1000));
  EXPECT_EQ(order('p', 0, 1000), near_.receive());
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().packets == 101; }));
  EXPECT_EQ(100u, hooked_->total().verdicts[1]);
}

TEST_F(Verdict, AbortedAndUnknownVerdictsAreCountedAndTraced) {
  attach();
  far_.send(orders('a', 10));
  far_.send(orders('n', 10));
  far_.send(order('p'));
  EXPECT_EQ(order('p'), near_.receive());
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().verdicts[0] == 20; }));
  const auto events = hooked_->events();
  ASSERT_GE(events.size(), 1u);
  EXPECT_LE(events.size(), 3u) << "one line a second";
  EXPECT_EQ(Event::Kind::aborted, events[0].kind);
  EXPECT_EQ("obey returned XDP_ABORTED (1 packets since the last such line)", events[0].message);
}

TEST_F(Verdict, TransmitSendsBack) {
  attach();
  for (uint32_t serial = 0; serial < 20; ++serial) {
    far_.send(order('t', 0, serial, 60 + serial * 70));
    ASSERT_EQ(order('t', 0, serial, 60 + serial * 70), far_.receive()) << serial;
  }
  EXPECT_TRUE(near_.receive(50).empty());
}

TEST_F(Verdict, TransmitInBurstsLosesNothingToAPeerThatTakesNoFrames) {
  attach();
  const auto packets = orders('t', 200);
  for (int round = 0; round < 20; ++round) {
    far_.send(packets);
    ASSERT_EQ(packets, far_.receive_all(packets.size())) << round;
  }
  EXPECT_EQ(0u, hooked_->total().dropped);
}

TEST_F(Verdict, TransmitInBurstsToAPeerThatTakesFrames) {
  network_.in_far("ethtool -K far gro on");
  attach();
  const auto packets = orders('t', 200);
  for (int round = 0; round < 20; ++round) {
    far_.send(packets);
    ASSERT_EQ(packets, far_.receive_all(packets.size())) << round;
  }
  EXPECT_EQ(0u, hooked_->total().dropped);
}

class Redirect : public Verdict {
 protected:
  Redirect() {
    run("ip -n " + network_.near + " link add out type veth peer name sink && ip -n " + network_.near +
        " link set out up && ip -n " + network_.near + " link set sink up");
    const InNamespace in(network_.near);
    out_ = if_nametoindex("out");
    sink_.emplace(network_.near, "sink");
  }
  uint32_t out_ = 0;
  std::optional<Tap> sink_;
};

TEST_F(Redirect, SendsFromAnotherDevice) {
  attach();
  for (uint32_t serial = 0; serial < 20; ++serial) {
    far_.send(order('r', out_, serial, 60 + serial * 70));
    ASSERT_EQ(order('r', out_, serial, 60 + serial * 70), sink_->receive()) << serial;
  }
}

TEST_F(Redirect, LosesNothingInBursts) {
  for (const char* gro : {"off", "on"}) {
    network_.in_near(std::string("ethtool -K sink gro ") + gro);
    attach();
    const auto packets = orders('r', 200, out_);
    for (int round = 0; round < 20; ++round) {
      far_.send(packets);
      ASSERT_EQ(packets, sink_->receive_all(packets.size())) << gro << round;
    }
    EXPECT_EQ(0u, hooked_->total().dropped);
    hooked_.reset();
  }
}

TEST_F(Redirect, ToNoDeviceIsCountedAsDropped) {
  attach();
  far_.send(order('r', 4242));
  far_.send(order('r', 0));
  far_.send(orders('r', 300, 4242));
  far_.send(order('p', 0, 1));
  EXPECT_EQ(order('p', 0, 1), near_.receive());
  EXPECT_TRUE(Hooked::wait([&] { return hooked_->total().dropped == 302; })) << hooked_->total().dropped;
}

TEST_F(Redirect, MixedVerdictsEachGetTheirOwn) {
  network_.in_far("ethtool -K far gro on");
  network_.in_near("ethtool -K sink gro on");
  attach();
  std::vector<Bytes> all, passed, sent, redirected;
  for (uint32_t serial = 0; serial < 400; ++serial) {
    const char verb = "ptrda"[(serial * 7 + serial / 5) % 5];
    all.push_back(order(verb, verb == 'r' ? out_ : 0, serial, 60 + serial % 900));
    if (verb == 'p') passed.push_back(all.back());
    if (verb == 't') sent.push_back(all.back());
    if (verb == 'r') redirected.push_back(all.back());
  }
  for (int round = 0; round < 10; ++round) {
    far_.send(all);
    ASSERT_EQ(passed, near_.receive_all(passed.size()));
    ASSERT_EQ(sent, far_.receive_all(sent.size()));
    ASSERT_EQ(redirected, sink_->receive_all(redirected.size()));
  }
  EXPECT_EQ(0u, hooked_->total().dropped);
}

}  // namespace
}  // namespace vbpf::xdp_test
