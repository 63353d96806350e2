// SPDX-License-Identifier: Apache-2.0
// Attacks on control flow: a hostile extension calls and returns anywhere. Whatever is not a function whose address is
// taken, or not the place after a call, ends the invocation, and the instance can be called again.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "vbpf/abi.h"
#include "vbpf/extension.h"

namespace vbpf::test {
namespace {

struct Target {
  std::string name;
  uint64_t address;
};

class TargetsTest : public testing::TestWithParam<Confinement> {
 protected:
  void SetUp() override {
    LoadOptions options;
    options.confine = GetParam();
    options.budget = std::chrono::seconds(2);  // emulated CPUs are slow
    Result<Extension> extension = Extension::open(VBPF_TARGETS_OBJECT, options);
    if (!extension && extension.error().kind == ErrorKind::machine) GTEST_SKIP() << extension.error().message;
    ASSERT_TRUE(extension) << extension.error().message;
    Result<std::unique_ptr<Instance>> instance = extension->instantiate();
    ASSERT_TRUE(instance) << instance.error().message;
    instance_ = std::move(*instance);
    Result<std::span<std::byte>> window = instance_->window(1 << 20);
    ASSERT_TRUE(window) << window.error().message;
    // A mark for every address that would be looked up here.
    std::memset(window->data(), VBPF_TARGET_RETURN | VBPF_TARGET_ENTRY, window->size());
    window_ = reinterpret_cast<uint64_t>(window->data());
    function_ = where(0), site_ = where(1);
    region_ = function_ & ~(VBPF_REGION_SIZE - 1);
  }

  Outcome call(const char* entry, std::initializer_list<uint64_t> arguments) {
    const Result<uint64_t> address = instance_->entry(entry);
    EXPECT_TRUE(address) << entry;
    return address ? instance_->call(*address, arguments) : Outcome{};
  }

  uint64_t where(uint64_t what) {
    const Outcome outcome = call("where", {what});
    EXPECT_FALSE(outcome.fault);
    return outcome.value;
  }

  // Neither a function whose address is taken nor a return site.
  std::vector<Target> nowhere() {
    constexpr uint64_t marks = VBPF_OFF_TARGET_MAP - VBPF_OFF_IMAGE;
    std::vector<Target> targets = {
        {"null", 0},
        {"null page", 8},
        {"all ones", ~uint64_t{0}},
        {"not canonical", 0x8000000000000000},
        {"the middle of an instruction", function_ + 1},
        {"the byte before the image", region_ + VBPF_OFF_IMAGE - 1},
        {"the image's last address", region_ + VBPF_OFF_IMAGE + VBPF_IMAGE_SIZE_MAX - 1},
        {"the address after the image", region_ + VBPF_OFF_IMAGE + VBPF_IMAGE_SIZE_MAX},
        {"the loader's constants", region_ + VBPF_OFF_INFO},
        {"the thunks", region_ + VBPF_OFF_THUNKS},
        {"inside a thunk", region_ + VBPF_OFF_THUNKS + 3},
        {"the target map", region_ + VBPF_OFF_TARGET_MAP},
        {"data", where(2)},
        {"constants", where(3)},
        {"the stack", where(4)},
        {"the heap", where(5)},
        {"the window", window_},
        {"where the window would be its mark", window_ - marks + 4096},
        {"another region, same offset", function_ + VBPF_REGION_SIZE},
        {"another region below, same offset", function_ - VBPF_REGION_SIZE},
        {"the lower half alone", function_ & (VBPF_REGION_SIZE - 1)},
        {"the sign bit more", function_ | 0x8000000000000000},
        {"a function of the host", reinterpret_cast<uint64_t>(&std::abort)},
    };
    return targets;
  }

  void expect_refused(const char* entry, std::initializer_list<uint64_t> arguments, FaultKind kind, uint64_t address,
                      const std::string& name) {
    const Outcome outcome = call(entry, arguments);
    ASSERT_TRUE(outcome.fault) << entry << ": " << name;
    EXPECT_EQ(to_string(outcome.fault->kind), to_string(kind)) << entry << ": " << name;
    EXPECT_EQ(outcome.fault->address, address) << entry << ": " << name;
    EXPECT_EQ(where(0), function_) << "afterwards";
  }

  std::unique_ptr<Instance> instance_;
  uint64_t function_ = 0, site_ = 0, window_ = 0, region_ = 0;
};

TEST_P(TargetsTest, AFunctionWhoseAddressIsTakenMayBeCalled) {
  const Outcome called = call("call_to", {function_}), tail_called = call("tail_call_to", {function_});
  EXPECT_FALSE(called.fault);
  EXPECT_EQ(called.value, 43u);
  EXPECT_FALSE(tail_called.fault);
  EXPECT_EQ(tail_called.value, 42u);
}

TEST_P(TargetsTest, NothingElseMayBeCalled) {
  for (const char* entry : {"call_to", "tail_call_to"}) {
    for (const Target& target : nowhere())
      expect_refused(entry, {target.address}, FaultKind::bad_call, target.address, target.name);
    expect_refused(entry, {site_}, FaultKind::bad_call, site_, "a return site");
  }
}

TEST_P(TargetsTest, ReturnsGoToReturnSitesOnly) {
  for (const Target& target : nowhere())
    expect_refused("return_to", {target.address}, FaultKind::bad_return, target.address, target.name);
  expect_refused("return_to", {function_}, FaultKind::bad_return, function_, "the start of a function");
}

// Memory that others write, such as packets, could change between check and return.
TEST_P(TargetsTest, ReturnsHappenOnTheStackOnly) {
  for (const Target& stack :
       {Target{"the window", window_ + 4096}, Target{"the heap", where(5)}, Target{"data", where(2)}})
    expect_refused("return_on", {stack.address, site_}, FaultKind::bad_return, site_, stack.name);
}

INSTANTIATE_TEST_SUITE_P(, TargetsTest, testing::Values(Confinement::sfi, Confinement::pku, Confinement::unconfined),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace vbpf::test
