// SPDX-License-Identifier: Apache-2.0
// A process that holds a hook is killed: nothing of it is left, and traffic flows.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iterator>
#include <set>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

constexpr auto tcx_egress = static_cast<bpf_attach_type>(47);

// Everything of one kind in the kernel, whoever made it.
template <typename Next>
std::set<uint32_t> ids_of(Next next) {
  std::set<uint32_t> ids;
  for (uint32_t id = 0; next(id, &id) == 0;) ids.insert(id);
  return ids;
}

struct Objects {
  std::set<uint32_t> programs = ids_of(bpf_prog_get_next_id), maps = ids_of(bpf_map_get_next_id),
                     links = ids_of(bpf_link_get_next_id);
};

std::set<uint32_t> without(const std::set<uint32_t>& from, const std::set<uint32_t>& those) {
  std::set<uint32_t> rest;
  std::set_difference(from.begin(), from.end(), those.begin(), those.end(), std::inserter(rest, rest.end()));
  return rest;
}

std::set<uint32_t> common(const std::set<uint32_t>& one, const std::set<uint32_t>& other) {
  return without(one, without(one, other));
}

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
  const auto programs = without(during.programs, before.programs), maps = without(during.maps, before.maps),
             links = without(during.links, before.links);
  EXPECT_GE(programs.size(), 6u);
  EXPECT_GE(maps.size(), 5u);
  EXPECT_GE(links.size(), 5u);

  ASSERT_EQ(0, ::kill(child, SIGKILL));
  ASSERT_EQ(child, ::waitpid(child, nullptr, 0));
  far.send(order('d', 0, 3));
  EXPECT_EQ(order('d', 0, 3), near.receive());
  EXPECT_EQ(0, egress_programs(network));
  EXPECT_TRUE(Hooked::wait([&] {
    const Objects now;
    return common(now.programs, programs).empty() && common(now.maps, maps).empty() && common(now.links, links).empty();
  }));
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace vbpf::xdp_test
