// SPDX-License-Identifier: Apache-2.0
// Attacks on the hook from the extension's side: the memory it shares with the host changes while the host reads it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "hooked.h"
#include "vbpf/abi.h"

namespace vbpf::xdp_test {
namespace {

// The mappings of the queue's memory: the hook's own, and the one in the extension's region.
struct SharedMemory {
  std::span<uint64_t> host;
  uint64_t window = 0;
};

SharedMemory shared_memory() {
  SharedMemory found;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long start = 0, end = 0;
    if (line.find("memfd:vbpf-shared") == std::string::npos || std::sscanf(line.c_str(), "%lx-%lx", &start, &end) != 2)
      continue;
    if ((start & (VBPF_REGION_SIZE - 1)) == VBPF_OFF_WINDOW) {
      found.window = start;
    } else {
      found.host = {reinterpret_cast<uint64_t*>(start), (end - start) / sizeof(uint64_t)};
    }
  }
  return found;
}

class Hostile : public testing::TestWithParam<xdp::AttachMode> {};

TEST_P(Hostile, SlotsThatChangeAllTheTimeHarmNobody) {
  const Network network;
  xdp::Options options = near_device();
  options.attach = GetParam();
  options.on_fault = OnFault::pass;  // the extension faults on what it is given, all the time
  Hooked hooked(network, "obey", options);
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  const auto [memory, frames] = shared_memory();
  ASSERT_GE(memory.size(), 4096u / 8);
  ASSERT_NE(0u, frames);
  const std::span<uint64_t> slots =
      memory.subspan(size_t{options.frames} * 2048 / 8, options.batch * sizeof(XdpSlot) / 8);
  std::atomic<bool> stop{false};
  std::thread attacker([&stop, slots, window = frames, size = memory.size()] {
    uint64_t state = 1;
    // Near misses are the interesting ones: addresses around frames, lengths around limits, verdicts around the known
    // ones.
    while (!stop) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const uint64_t kind = state >> 61, value = state >> 20;
      uint64_t& at = slots[(state >> 33) % slots.size()];
      __atomic_store_n(&at,
                       kind < 3    ? window + value % (size * 16)
                       : kind < 5  ? value % 6
                       : kind == 5 ? ~value
                                   : value,
                       __ATOMIC_RELAXED);
    }
  });
  const Tap far(network.far, "far");
  std::vector<Bytes> packets;
  for (uint32_t serial = 0; serial < 500; ++serial)
    packets.push_back(order("ptrdw"[serial % 5], 1, serial, 60 + serial % 1400));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (std::chrono::steady_clock::now() < end) far.send(packets);
  stop = true;
  attacker.join();
  // All packets are accounted for, by one verdict each, and the hook still works.
  const Tap near(network.near, "near");
  EXPECT_TRUE(Hooked::wait([&] {
    far.send(order('p', 0, 4711));
    for (Bytes got = near.receive(200); !got.empty(); got = near.receive(200)) {
      if (got == order('p', 0, 4711)) return true;
    }
    return false;
  }));
  const auto total = hooked.total();
  uint64_t verdicts = 0;
  for (const uint64_t count : total.verdicts) verdicts += count;
  EXPECT_GT(total.packets, 500u);
  EXPECT_EQ(total.packets, verdicts);
}

INSTANTIATE_TEST_SUITE_P(Modes, Hostile, testing::Values(xdp::AttachMode::native, xdp::AttachMode::generic),
                         [](const auto& mode) { return mode.param == xdp::AttachMode::native ? "native" : "generic"; });

}  // namespace
}  // namespace vbpf::xdp_test
