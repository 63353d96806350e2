// SPDX-License-Identifier: Apache-2.0
// Beside another program in libxdp's dispatcher, on kernels that allow freplace.
#include "chain.h"

#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include <array>
#include <csignal>
#include <filesystem>

#include "count.skel.h"
#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

// A counting program on the near device, through a dispatcher. Gone with it.
class OtherProgram {
 public:
  explicit OtherProgram(const Network& network, xdp_attach_mode mode = XDP_MODE_NATIVE)
      : space_(network.near), mode_(mode) {
    const InNamespace in(space_);
    ifindex_ = static_cast<int>(if_nametoindex("near"));
    skeleton_ = count__open();
    program_ = xdp_program__from_bpf_obj(skeleton_->obj, "xdp");
    error_ = xdp_program__attach(program_, ifindex_, mode_, 0);
    xdp_multiprog* chain = xdp_multiprog__get_from_ifindex(ifindex_);
    if (error_ == 0) dispatched_ = libxdp_get_error(chain) == 0 && !xdp_multiprog__is_legacy(chain);
    xdp_multiprog__close(libxdp_get_error(chain) == 0 ? chain : nullptr);
  }
  ~OtherProgram() {
    const InNamespace in(space_);
    if (error_ == 0) xdp_program__detach(program_, ifindex_, mode_, 0);
    xdp_program__close(program_);
    count__destroy(skeleton_);
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;

  bool dispatched() const { return dispatched_; }
  uint64_t packets() const {
    uint64_t value = 0;
    const uint32_t key = 0;
    if (bpf_map__lookup_elem(skeleton_->maps.bss, &key, sizeof(key), &value, sizeof(value), 0) != 0) ADD_FAILURE();
    return value;
  }
  int members() const {
    const InNamespace in(space_);
    xdp_multiprog* chain = xdp_multiprog__get_from_ifindex(ifindex_);
    if (libxdp_get_error(chain) != 0) return 0;
    const int count = xdp_multiprog__program_count(chain);
    xdp_multiprog__close(chain);
    return count;
  }

 private:
  const std::string space_;
  const xdp_attach_mode mode_;
  int ifindex_ = 0, error_ = 0;
  bool dispatched_ = false;
  count* skeleton_ = nullptr;
  xdp_program* program_ = nullptr;
};

#define NEED_DISPATCHER(other) \
  if (!(other).dispatched()) GTEST_SKIP() << "this kernel allows no freplace programs, so there is no dispatcher"

class Chain : public ::testing::Test {
 protected:
  static void expect_both_at_work(const Network& network, const OtherProgram& other) {
    const Tap near(network.near, "near"), far(network.far, "far");
    const uint64_t before = other.packets();
    far.send({order('d', 0, 1), order('p', 0, 2)});
    EXPECT_EQ(order('p', 0, 2), near.receive()) << "the extension drops and passes";
    EXPECT_GE(other.packets(), before + 2) << "the other program sees both, and sees neither again";
  }
  static void expect_only_other_at_work(const Network& network, const OtherProgram& other) {
    const Tap near(network.near, "near"), far(network.far, "far");
    const uint64_t before = other.packets();
    far.send(order('d', 0, 3));
    EXPECT_EQ(order('d', 0, 3), near.receive());
    EXPECT_GE(other.packets(), before + 1);
    EXPECT_EQ(1, other.members());
  }
};

TEST_F(Chain, IsJoinedAndLeft) {
  const Network network;
  const OtherProgram other(network);
  NEED_DISPATCHER(other);
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  EXPECT_TRUE(hooked.hook().info().shared);
  EXPECT_EQ(2, other.members());
  expect_both_at_work(network, other);
  // The watcher has looked several times: that the dispatcher is not ours is no reason to leave.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_FALSE(hooked.hook().detached());
  expect_both_at_work(network, other);
  hooked.detach();
  expect_only_other_at_work(network, other);
}

TEST_F(Chain, MayBeJoinedByOthersAfterUs) {
  const Network network;
  const OtherProgram other(network);
  NEED_DISPATCHER(other);
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  {
    const OtherProgram third(network);
    EXPECT_EQ(3, other.members());
    expect_both_at_work(network, third);
    expect_both_at_work(network, other);
  }
  expect_both_at_work(network, other);
  EXPECT_FALSE(hooked.hook().detached());
}

TEST_F(Chain, IsLeftForAProcessThatWasKilled) {
  const Network network;
  const OtherProgram other(network);
  NEED_DISPATCHER(other);
  const std::string record = std::filesystem::temp_directory_path() / ("chain-" + std::to_string(::getpid()));
  std::array<int, 2> ready;
  ASSERT_EQ(0, ::pipe(ready.data()));
  const pid_t child = ::fork();
  if (child == 0) {
    xdp::Options options = near_device();
    options.chain_record = record;
    Hooked hooked(network, "obey", options);
    const char ok = hooked.attached() ? 'y' : 'n';
    if (::write(ready[1], &ok, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  char ok = 0;
  ASSERT_EQ(1, ::read(ready[0], &ok, 1));
  ASSERT_EQ('y', ok);
  expect_both_at_work(network, other);
  ASSERT_EQ(0, ::kill(child, SIGKILL));
  ASSERT_EQ(child, ::waitpid(child, nullptr, 0));
  {
    const Tap near(network.near, "near"), far(network.far, "far");
    far.send(order('d', 0, 3));
    EXPECT_EQ(order('d', 0, 3), near.receive()) << "without its socket our program passes";
  }
  EXPECT_EQ(2, other.members());
  EXPECT_FALSE(xdp::leave_recorded_chain(record)) << "from another network namespace it cannot be seen";
  const InNamespace in(network.near);
  const auto left = xdp::leave_recorded_chain(record);
  EXPECT_TRUE(left) << left.error().message;
  expect_only_other_at_work(network, other);
  EXPECT_TRUE(xdp::leave_recorded_chain(record)) << "again there is nothing to do";
  std::filesystem::remove(record);
}

TEST_F(Chain, HasRoomForOneExtension) {
  const Network network;
  const OtherProgram other(network);
  NEED_DISPATCHER(other);
  Hooked first(network, "obey");
  ASSERT_TRUE(first.attached()) << first.error();
  const Hooked second(network, "obey");
  ASSERT_FALSE(second.attached());
  EXPECT_NE(std::string::npos, second.error().find("another program has a socket there")) << second.error();
  expect_both_at_work(network, other);
}

TEST_F(Chain, OfARemovedDispatcherIsNoticed) {
  const Network network;
  const OtherProgram other(network);
  NEED_DISPATCHER(other);
  Hooked hooked(network, "obey");
  ASSERT_TRUE(hooked.attached()) << hooked.error();
  {
    const InNamespace in(network.near);
    xdp_multiprog* chain = xdp_multiprog__get_from_ifindex(static_cast<int>(if_nametoindex("near")));
    ASSERT_EQ(0, xdp_multiprog__detach(chain));
    xdp_multiprog__close(chain);
  }
  EXPECT_TRUE(Hooked::wait([&] { return hooked.hook().detached().has_value(); }));
}

TEST_F(Chain, InGenericModeIsNotJoined) {
  const Network network;
  const OtherProgram other(network, XDP_MODE_SKB);
  NEED_DISPATCHER(other);
  const Hooked hooked(network, "obey");
  ASSERT_FALSE(hooked.attached());
  EXPECT_NE(std::string::npos, hooked.error().find("in a libxdp dispatcher in native mode")) << hooked.error();
}

// Not a test: puts a program onto a device of this namespace and leaves it there, for tests/vm/killed_in_chain.
TEST(Dispatcher, DISABLED_StaysOnNear) {
  count* skeleton = count__open();
  xdp_program* program = xdp_program__from_bpf_obj(skeleton->obj, "xdp");
  EXPECT_EQ(0, xdp_program__attach(program, static_cast<int>(if_nametoindex("near")), XDP_MODE_NATIVE, 0));
  xdp_program__close(program);
  count__destroy(skeleton);
}

}  // namespace
}  // namespace vbpf::xdp_test
