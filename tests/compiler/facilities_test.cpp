// SPDX-License-Identifier: Apache-2.0
// What the driver and the runtime make passes the verifier and gives the right answers, in every variant.
#include <gtest/gtest.h>

#include "region.h"

namespace vbpf::test {
namespace {

using verifier::Variant;

class Facility : public testing::TestWithParam<std::tuple<std::string, Variant>> {
 protected:
  void SetUp() override {
    const auto& [name, variant] = GetParam();
    if (name.ends_with("_v3") && !__builtin_cpu_supports("avx2")) GTEST_SKIP() << "this CPU has no AVX2";
    std::vector<std::string> errors;
    region = Region::load(std::string(VBPF_FACILITIES_FOLDER "/") + name + ".o", variant, errors);
    std::string all;
    for (const std::string& error : errors) all += error + "\n";
    ASSERT_NE(region, nullptr) << all;
  }
  std::unique_ptr<Region> region;
};
// For what only one of the files has, and those that hold all of them.
class HeapFacility : public Facility {};
class SdkFacility : public Facility {};

TEST_P(Facility, AnswersZero) {
  unsigned count = 0;
  for (const verifier::Entry& entry : region->image().entries) {
    if (!entry.name.starts_with("test_") || entry.name.starts_with("test_zz_")) continue;
    ++count;
    EXPECT_EQ(region->call(entry.name, 12345), 0u) << entry.name << ": the line of the check that failed";
    EXPECT_EQ(region->aborted(), "") << entry.name;
  }
  EXPECT_GT(count, 0u);
}

TEST_P(HeapFacility, NewThatFailsEndsTheInvocation) {
  ASSERT_TRUE(region->has("test_zz_new_that_fails"));
  region->call("test_zz_new_that_fails", 0);
  EXPECT_EQ(region->aborted(), "operator new: the heap is exhausted; raise .heap_size in VBPF_MANIFEST");
}

TEST_P(SdkFacility, LogReachesTheHost) {
  ASSERT_TRUE(region->has("test_format"));
  ASSERT_EQ(region->call("test_format", 0xabc), 0u);
  EXPECT_EQ(region->log(), "line 1 of abc\n");
}

std::string name_of(const testing::TestParamInfo<Facility::ParamType>& info) {
  const Variant variant = std::get<1>(info.param);
  const char* suffix = variant == Variant::sfi ? "_sfi" : variant == Variant::kernel ? "_kernel" : "_user";
  return std::get<0>(info.param).substr(9) + suffix;
}

const std::vector<std::string> facilities = {VBPF_FACILITIES};

std::vector<std::string> with(const std::string& one) {
  std::vector<std::string> names;
  for (const std::string& name : facilities) {
    if (name == one || name.starts_with("facility_all_")) names.push_back(name);
  }
  return names;
}

auto in_all_variants(const std::vector<std::string>& names) {
  return testing::Combine(testing::ValuesIn(names), testing::Values(Variant::user, Variant::sfi, Variant::kernel));
}

INSTANTIATE_TEST_SUITE_P(Compiler, Facility, in_all_variants(facilities), name_of);
INSTANTIATE_TEST_SUITE_P(Compiler, HeapFacility, in_all_variants(with("facility_heap")), name_of);
INSTANTIATE_TEST_SUITE_P(Compiler, SdkFacility, in_all_variants(with("facility_sdk")), name_of);

}  // namespace
}  // namespace vbpf::test
