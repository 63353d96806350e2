// SPDX-License-Identifier: Apache-2.0
// Devices that are not there, are taken, change, or go away.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

bool has_program(const Network& network) {
  return output_of("ip -n " + network.near + " link show near").find("prog/xdp") != std::string::npos;
}

bool wait_for_detach(Hooked& hooked) {
  return Hooked::wait([&] { return hooked.hook().detached().has_value(); });
}

void expect_traffic_flows(const Network& network) {
  const Tap near(network.near, "near"), far(network.far, "far");
  far.send(order('d', 0, 1));
  EXPECT_EQ(order('d', 0, 1), near.receive());
}

TEST(Device, UnknownNamesAreRefused) {
  const Network network;
  for (const char* name : {"nowhere", "", "a-name-that-is-longer-than-any-device"}) {
    xdp::Options options;
    options.device = name;
    Hooked hooked(network, "obey", options);
    ASSERT_FALSE(hooked.attached());
    EXPECT_EQ(std::string("there is no network device '") + name + "' in this network namespace: `ip link` lists them",
              hooked.error());
  }
}

TEST(Device, LoopbackIsRefused) {
  const Network network;
  xdp::Options options;
  options.device = "lo";
  EXPECT_EQ("lo is a loopback device, whose packets cannot be given back to the kernel: choose another device",
            Hooked(network, "obey", options).error());
}

TEST(Device, ASecondProgramIsRefusedByName) {
  const Network network;
  Hooked first(network, "obey");
  ASSERT_TRUE(first.attached()) << first.error();
  EXPECT_TRUE(has_program(network));
  Hooked second(network, "obey");
  ASSERT_FALSE(second.attached());
  EXPECT_NE(std::string::npos,
            second.error().find("near has XDP program " + std::to_string(first.hook().info().prog_id) +
                                " 'vbpf_redirect' already"))
      << second.error();
  const Tap near(network.near, "near"), far(network.far, "far");
  far.send({order('d', 0, 1), order('p', 0, 2)});
  EXPECT_EQ(order('p', 0, 2), near.receive()) << "the first one is still at work";
}

TEST(Device, WithoutPermissionItIsRefusedWithTheReason) {
  const Network network;
  std::array<int, 2> answer;
  ASSERT_EQ(0, ::pipe(answer.data()));
  const pid_t child = ::fork();
  if (child == 0) {
    // The namespace is entered by root, and then left to nobody.
    const InNamespace in(network.near);
    auto extension = Extension::open(std::string(XDP_EXTENSIONS) + "/obey" + ".o", {});
    if (!extension || ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    auto hook = xdp::Hook::attach(*extension, near_device(), nullptr);
    const std::string text =
        hook ? "attached" : (hook.error().kind == ErrorKind::refused ? "refused: " : "other: ") + hook.error().message;
    ::_exit(::write(answer[1], text.data(), text.size()) < 0 ? 1 : 0);
  }
  ASSERT_EQ(child, ::waitpid(child, nullptr, 0));
  std::string text(1000, ' ');
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(answer[0], text.data(), text.size()))));
  EXPECT_EQ(0u, text.find("refused: ")) << text;
  EXPECT_NE(std::string::npos, text.find("not permitted; run as root, or with CAP_NET_ADMIN")) << text;
  for (const int end : answer) ::close(end);
}

TEST(Device, UnloadingLeavesNothing) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  hooked.detach();
  EXPECT_FALSE(has_program(network));
  expect_traffic_flows(network);
}

TEST(Device, UnloadingUnderLoadLosesNoPacketThatPasses) {
  const Network network;
  const Tap near(network.near, "near"), far(network.far, "far");
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  std::vector<Bytes> packets;
  for (uint32_t serial = 0; serial < 20000; ++serial) packets.push_back(order('p', 0, serial));
  // Never more under way than the rings hold: what is lost then is lost by unloading.
  std::atomic<size_t> received{0};
  std::thread sender([&] {
    for (size_t sent = 0; sent < packets.size(); ++sent) {
      far.send(packets[sent]);
      const bool flows = Hooked::wait([&] { return sent < received + 500; });
      if (!flows) return;
    }
  });
  std::thread unloader([&] {
    Hooked::wait([&] { return received > 5000; });
    hooked.detach();
  });
  std::vector<Bytes> got;
  for (Bytes packet = near.receive(); !packet.empty(); packet = near.receive()) {
    got.push_back(std::move(packet));
    if (++received == packets.size()) break;
  }
  sender.join();
  unloader.join();
  std::sort(got.begin(), got.end());
  std::sort(packets.begin(), packets.end());
  EXPECT_EQ(packets.size(), got.size());
  EXPECT_TRUE(packets == got);
}

TEST(Device, GoneWhileAttached) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  run("ip -n " + network.near + " link delete near");
  ASSERT_TRUE(wait_for_detach(hooked));
  EXPECT_EQ("the network device near is gone", hooked.hook().detached().value_or(""));
  ASSERT_EQ(1u, hooked.events().size());
  EXPECT_EQ(Event::Kind::detached, hooked.events()[0].kind);
  EXPECT_EQ(1u, hooked.hook().stats().size());
}

TEST(Device, MovedToAnotherNamespaceIsGone) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  run("ip -n " + network.near + " link set near netns " + network.far);
  ASSERT_TRUE(wait_for_detach(hooked));
  run("ip -n " + network.far + " link set near up");
  EXPECT_EQ(std::string::npos, output_of("ip -n " + network.far + " link show near").find("prog/xdp"));
}

TEST(Device, MtuThatFramesStillHold) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  const Tap near(network.near, "near"), far(network.far, "far");
  run("ip -n " + network.near + " link set near mtu 1000");
  // Longer than the device may send now: giving back has no such limit.
  for (const size_t size : {60u, 1014u, 1018u}) {
    far.send(order('p', 0, 1, size));
    EXPECT_EQ(order('p', 0, 1, size), near.receive()) << size;
  }
  EXPECT_FALSE(hooked.hook().detached());
}

TEST(Device, MtuThatFramesDoNotHoldDetaches) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  run("ip -n " + network.near + " link set near mtu 3000");
  ASSERT_TRUE(wait_for_detach(hooked));
  EXPECT_EQ("the MTU of near was changed to 3000, which frames of 2048 bytes do not hold: load the extension again",
            hooked.hook().detached().value_or(""));
  EXPECT_FALSE(has_program(network));
  expect_traffic_flows(network);
}

TEST(Device, ProgramRemovedBySomeoneElse) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  run("id=$(ip netns exec " + network.near + " bpftool link show | sed -n '/prog " +
      std::to_string(hooked.hook().info().prog_id) + " /s/^\\([0-9]*\\):.*/\\1/p'); bpftool link detach id $id");
  ASSERT_TRUE(wait_for_detach(hooked));
  EXPECT_EQ("the XDP program on near was removed or replaced by someone else", hooked.hook().detached().value_or(""));
}

TEST(Device, RenamedWhileAttached) {
  const Network network;
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  run("ip -n " + network.near + " link set near down && ip -n " + network.near +
      " link set near name elsewhere && ip -n " + network.near + " link set elsewhere up");
  const Tap near(network.near, "elsewhere"), far(network.far, "far");
  for (uint32_t serial = 0; serial < 10; ++serial) {
    far.send(order('p', 0, serial));
    EXPECT_EQ(order('p', 0, serial), near.receive());
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_FALSE(hooked.hook().detached()) << *hooked.hook().detached();
}

TEST(Device, StopsPromptlyInEveryPollMode) {
  const Network network;
  for (const auto mode : {xdp::PollMode::adaptive, xdp::PollMode::spin, xdp::PollMode::sleep}) {
    xdp::Options options = near_device();
    options.poll = mode;
    Hooked hooked(network, "obey", options);
    ASSERT_TRUE(hooked.attached()) << hooked.error();
    const Tap near(network.near, "near"), far(network.far, "far");
    far.send(order('p', 0, 3));
    EXPECT_EQ(order('p', 0, 3), near.receive());
    const auto start = std::chrono::steady_clock::now();
    hooked.detach();
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
  }
}

TEST(Device, BadOptionsAreRefused) {
  const Network network;
  xdp::Options options = near_device();
  options.frames = 1000;
  EXPECT_EQ("frames per queue must be a power of two from 64 to 65536, not 1000",
            Hooked(network, "obey", options).error());
  options = near_device();
  options.batch = 0;
  EXPECT_EQ("a batch must be of 1 packet to as many as there are frames, not 0",
            Hooked(network, "obey", options).error());
  options = near_device();
  options.zero_copy = true;
  EXPECT_EQ("zero-copy was asked for, and near cannot do it in this mode (Operation not supported): leave it out",
            Hooked(network, "obey", options).error());
  options = near_device();
  options.entry = "nothing";
  EXPECT_EQ("obey has no XDP entry 'nothing'; it has obey", Hooked(network, "obey", options).error());
}

// ---- Several queues ----

// Each socket's traffic keeps to one of the sender's queues, and so to one of the receiver's.
void send_to_all_queues(const Network& network, const Tap& near) {
  const InNamespace in(network.far);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  ::inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
  // The first one waits for the address to be resolved.
  for (int count = 0; count < 200; ++count) {
    const int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(5, ::sendto(sender, "hello", 5, 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)));
    ::close(sender);
    ASSERT_FALSE(near.receive().empty()) << count;
  }
}

TEST(Queues, EachHasItsOwnThread) {
  const Network network("numrxqueues 4 numtxqueues 4");
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  EXPECT_EQ(4u, hooked.hook().info().queues);
  const Tap near(network.near, "near", ETH_P_IP);
  send_to_all_queues(network, near);
  EXPECT_TRUE(Hooked::wait([&] { return hooked.total().packets >= 200; }));
  ASSERT_EQ(4u, hooked.hook().stats().size());
  for (const auto& queue : hooked.hook().stats()) EXPECT_GT(queue.packets, 10u);
}

TEST(Queues, NewOnesAreServed) {
  const Network network("numrxqueues 4 numtxqueues 4");
  network.in_far("ethtool -L far tx 1");
  network.in_near("ethtool -L near rx 1");
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  EXPECT_EQ(1u, hooked.hook().info().queues);
  network.in_near("ethtool -L near rx 4");
  network.in_far("ethtool -L far tx 4");
  ASSERT_TRUE(Hooked::wait([&] { return hooked.hook().info().queues == 4; }));
  EXPECT_EQ(4u, hooked.hook().stats().size());
  const Tap near(network.near, "near", ETH_P_IP);
  send_to_all_queues(network, near);
  EXPECT_TRUE(Hooked::wait([&] { return hooked.total().packets >= 200; })) << hooked.total().packets;
}

}  // namespace
}  // namespace vbpf::xdp_test
