// SPDX-License-Identifier: Apache-2.0
// A process that holds a hook is killed: nothing of it is left, and traffic flows.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

constexpr auto tcx_egress = static_cast<bpf_attach_type>(47);

template <typename Next>
int count_ids(Next next) {
  int count = 0;
  for (uint32_t id = 0; next(id, &id) == 0;) ++count;
  return count;
}

// Everything a hook makes in the kernel.
struct Objects {
  int programs = count_ids(bpf_prog_get_next_id);
  int maps = count_ids(bpf_map_get_next_id);
  int links = count_ids(bpf_link_get_next_id);
  bool operator==(const Objects&) const = default;
};

int egress_programs(const Network& network) {
  const InNamespace in(network.near);
  std::array<uint32_t, 8> ids{};
  uint32_t flags = 0;
  auto count = static_cast<uint32_t>(ids.size());
  if (bpf_prog_query(static_cast<int>(if_nametoindex("near")), tcx_egress, 0, &flags, ids.data(), &count) != 0)
    return -1;
  return static_cast<int>(count);
}

TEST(Killed, LeavesNothingAndTrafficFlows) {
  const Network network;
  const Tap near(network.near, "near"), far(network.far, "far");
  const Objects before;
  std::array<int, 2> ready;
  ASSERT_EQ(0, ::pipe(ready.data()));
  const pid_t child = ::fork();
  if (child == 0) {
    Hooked hooked(network, "obey");
    const char ok = hooked.attached() ? 'y' : 'n';
    if (::write(ready[1], &ok, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char ok = 0;
  ASSERT_EQ(1, ::read(ready[0], &ok, 1));
  ASSERT_EQ('y', ok);
  EXPECT_EQ(1, egress_programs(network));
  far.send({order('d', 0, 1), order('p', 0, 2)});
  EXPECT_EQ(order('p', 0, 2), near.receive()) << "the extension is at work";
  const Objects during;
  EXPECT_GE(during.links, before.links + 4);

  ASSERT_EQ(0, ::kill(child, SIGKILL));
  ASSERT_EQ(child, ::waitpid(child, nullptr, 0));
  far.send(order('d', 0, 3));
  EXPECT_EQ(order('d', 0, 3), near.receive());
  EXPECT_EQ(0, egress_programs(network));
  EXPECT_TRUE(Hooked::wait([&] { return Objects() == before; }));
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace vbpf::xdp_test
