// SPDX-License-Identifier: Apache-2.0
// The verifier accepts what the compiler makes: both variants of every corpus extension and sample.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support.h"

namespace {

using vbpf::verifier::Variant;

class AcceptTest : public testing::TestWithParam<std::pair<std::string, Variant>> {};

TEST_P(AcceptTest, BothVariantsVerify) {
  const auto& [path, variant] = GetParam();
  const auto object = vbpf::verifier::test::read_file(path);
  ASSERT_FALSE(object.empty()) << path;
  const auto result = vbpf::verifier::verify(object, vbpf::verifier::test::options_for(variant, 0x200000000000));
  EXPECT_TRUE(result.image) << vbpf::verifier::test::describe(result);
}

std::vector<std::pair<std::string, Variant>> objects() {
  std::vector<std::pair<std::string, Variant>> all;
  std::ifstream list(OBJECT_LIST);
  for (std::string path; std::getline(list, path);) {
    all.emplace_back(path, Variant::user);
    all.emplace_back(path, Variant::sfi);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Objects, AcceptTest, testing::ValuesIn(objects()), [](const auto& info) {
  std::string stem = info.param.first.substr(info.param.first.rfind('/') + 1);
  return stem.substr(0, stem.find('.')) + (info.param.second == Variant::user ? "_user" : "_sfi");
});

}  // namespace
