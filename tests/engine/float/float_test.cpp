// SPDX-License-Identifier: Apache-2.0
// The host's floating-point control and status are as before, whatever an extension computes; an extension computes
// with the defaults, whatever the host has set.
#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <bit>
#include <chrono>
#include <memory>
#include <string>

#include "vbpf/extension.h"

namespace vbpf::test {
namespace {

constexpr unsigned defaults = 0x1f80;
constexpr unsigned odd = 0x1f80 | _MM_ROUND_TOWARD_ZERO | _MM_FLUSH_ZERO_ON | _MM_EXCEPT_UNDERFLOW;

class FloatTest : public testing::TestWithParam<Confinement> {
 protected:
  void TearDown() override { _mm_setcsr(defaults); }

  std::unique_ptr<Instance> load(const char* object) {
    LoadOptions options;
    options.confine = GetParam();
    options.budget = std::chrono::seconds(2);  // emulated CPUs are slow
    options.log = [this](std::string_view) { in_log_ = _mm_getcsr(); };
    Result<Extension> extension = Extension::open(object, options);
    if (!extension && extension.error().kind == ErrorKind::machine) lacking_ = extension.error().message;
    if (!extension) return nullptr;
    Result<std::unique_ptr<Instance>> instance = extension->instantiate();
    EXPECT_TRUE(instance) << instance.error().message;
    return instance ? std::move(*instance) : nullptr;
  }

  // Calls with MXCSR at `before`, and expects it unchanged.
  static Outcome call(Instance& instance, const char* entry, std::initializer_list<uint64_t> arguments,
                      unsigned before) {
    const Result<uint64_t> address = instance.entry(entry);
    EXPECT_TRUE(address);
    if (!address) return {};
    _mm_setcsr(before);
    Outcome outcome = instance.call(*address, arguments);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(defaults);
    EXPECT_EQ(after, before) << entry;
    return outcome;
  }

  unsigned in_log_ = 0;
  std::string lacking_;  // what this machine does not have
};

TEST_P(FloatTest, ArithmeticHasTheDefaultsAndLeavesNoMarks) {
  auto instance = load(VBPF_ARITHMETIC_OBJECT);
  if (!lacking_.empty()) GTEST_SKIP() << lacking_;
  ASSERT_TRUE(instance);
  const auto third = std::bit_cast<uint64_t>(2.0 / 3.0);  // rounded up: towards zero gives another
  for (const unsigned before : {defaults, odd}) {
    for (const char* entry : {"divide", "log_and_divide"}) {
      const Outcome outcome = call(*instance, entry, {2, 3}, before);
      EXPECT_FALSE(outcome.fault) << entry;
      EXPECT_EQ(outcome.value, third) << entry;
    }
    EXPECT_EQ(in_log_, before);
  }
}

TEST_P(FloatTest, AFaultAfterArithmeticLeavesNoMarks) {
  auto instance = load(VBPF_ARITHMETIC_OBJECT);
  if (!lacking_.empty()) GTEST_SKIP() << lacking_;
  ASSERT_TRUE(instance);
  for (const unsigned before : {defaults, odd}) EXPECT_TRUE(call(*instance, "crash", {2, 3}, before).fault);
}

TEST_P(FloatTest, MovesAloneChangeNothingEither) {
  auto instance = load(VBPF_MOVES_OBJECT);
  if (!lacking_.empty()) GTEST_SKIP() << lacking_;
  ASSERT_TRUE(instance);
  for (const unsigned before : {defaults, odd}) {
    for (const char* entry : {"copy", "log_and_copy"}) {
      const Outcome outcome = call(*instance, entry, {38}, before);
      EXPECT_FALSE(outcome.fault) << entry;
      EXPECT_EQ(outcome.value, 42u) << entry;
    }
    EXPECT_EQ(in_log_, before);
  }
}

INSTANTIATE_TEST_SUITE_P(, FloatTest, testing::Values(Confinement::sfi, Confinement::pku, Confinement::unconfined),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace vbpf::test
