// SPDX-License-Identifier: Apache-2.0
// The verifier accepts what the compiler makes: every variant of every corpus extension and sample.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support.h"
#include "vbpf/abi.h"

namespace {

using vbpf::verifier::Variant;

bool carries(const std::vector<std::byte>& object, Variant variant) {
  const std::string_view bytes(reinterpret_cast<const char*>(object.data()), object.size());
  const std::string_view section = variant == Variant::sfi ? VBPF_SECTION_VARIANT_SFI : VBPF_SECTION_VARIANT_KERNEL;
  return bytes.find(section) != std::string_view::npos;
}

class AcceptTest : public testing::TestWithParam<std::pair<std::string, Variant>> {};

TEST_P(AcceptTest, EveryVariantVerifies) {
  const auto& [path, variant] = GetParam();
  const auto object = vbpf::verifier::test::read_file(path);
  ASSERT_FALSE(object.empty()) << path;
  const auto result = vbpf::verifier::verify(object, vbpf::verifier::test::options_for(variant));
  // Without such a section the object would be taken as the variant itself.
  if (variant != Variant::user) EXPECT_TRUE(carries(object, variant));
  EXPECT_TRUE(result.image) << vbpf::verifier::test::describe(result);
}

std::vector<std::pair<std::string, Variant>> objects() {
  std::vector<std::pair<std::string, Variant>> all;
  std::ifstream list(OBJECT_LIST);
  for (std::string path; std::getline(list, path);) {
    all.emplace_back(path, Variant::user);
    all.emplace_back(path, Variant::sfi);
    all.emplace_back(path, Variant::kernel);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Objects, AcceptTest, testing::ValuesIn(objects()), [](const auto& info) {
  std::string stem = info.param.first.substr(info.param.first.rfind('/') + 1);
  const Variant variant = info.param.second;
  return stem.substr(0, stem.find('.')) + (variant == Variant::user  ? "_user"
                                           : variant == Variant::sfi ? "_sfi"
                                                                     : "_kernel");
});

}  // namespace
