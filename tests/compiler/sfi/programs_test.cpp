// SPDX-License-Identifier: Apache-2.0
// Programs compiled with many options and rewritten: the verifier accepts them, and they compute what they compute
// natively.
#include <gtest/gtest.h>

#include "region.h"

// clang-format off
#define PROGRAMS(X)                                                                       \
  X(alignment) X(atomics) X(big_frames) X(bitfields) X(by_value) X(containers)            \
  X(dispatch) X(floats) X(inline_assembly) X(recursion) X(sorting) X(strings) X(switches) \
  X(variable_arrays) X(variadic) X(vectors)
// clang-format on

#define DECLARE(name) extern "C" uint64_t program_##name(uint64_t seed);
PROGRAMS(DECLARE)

namespace vbpf::test {
namespace {

struct Program {
  const char* name;
  uint64_t (*native)(uint64_t);
};
#define ENTRY(name) {"program_" #name, program_##name},
const Program kPrograms[] = {PROGRAMS(ENTRY)};

struct Build {
  const char* options;  // e.g. "-O3 -march=x86-64-v3"
  const char* file;     // of the rewritten object
  bool needs_avx2;
};
void PrintTo(const Build& build, std::ostream* out) { *out << build.options; }
const Build kBuilds[] = {
#include "sfi_builds.inc"
};

class Rewritten : public testing::TestWithParam<Build> {};

TEST_P(Rewritten, IsAcceptedAndComputesTheSame) {
  std::vector<std::string> errors;
  const std::unique_ptr<Region> region = Region::load(GetParam().file, verifier::Variant::sfi, errors);
  for (const std::string& error : errors) ADD_FAILURE() << error;
  ASSERT_TRUE(region);
  EXPECT_EQ(region->image().entries.size(), std::size(kPrograms));
  if (GetParam().needs_avx2 && !__builtin_cpu_supports("avx2"))
    GTEST_SKIP() << "this CPU has no AVX2: verified, not run";
  for (const Program& program : kPrograms) {
    ASSERT_TRUE(region->has(program.name)) << program.name;
    for (uint64_t seed = 0; seed < 6; ++seed)
      EXPECT_EQ(region->call(program.name, seed), program.native(seed)) << program.name << " with seed " << seed;
  }
}

std::string test_name(const testing::TestParamInfo<Build>& info) {
  std::string name;
  for (const char c : std::string(info.param.options))
    if (isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Sfi, Rewritten, testing::ValuesIn(kBuilds), test_name);

// That the results say something: they differ from seed to seed.
TEST(Programs, DependOnTheirSeed) {
  for (const Program& program : kPrograms) EXPECT_NE(program.native(1), program.native(2)) << program.name;
}

}  // namespace
}  // namespace vbpf::test
