// SPDX-License-Identifier: Apache-2.0
// One assembly file per behaviour in cases/: its first line names the rule that refuses it, or "none".
#include <gtest/gtest.h>

#include "recheck.h"
#include "support.h"

namespace vbpf::verifier::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(VBPF_CASES_SOURCE)) {
    if (file.path().extension() == ".s") names.push_back(file.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Case : public testing::TestWithParam<std::string> {};

TEST_P(Case, IsJudgedByItsRule) {
  fs::path source = fs::path(VBPF_CASES_SOURCE) / (GetParam() + ".s");
  std::string rule = case_field(source, "rule");
  ASSERT_FALSE(rule.empty()) << "the file names no rule";
  ASSERT_EQ(GetParam().starts_with("accept_"), rule == "none");
  std::vector<std::byte> object = read_file(fs::path(VBPF_CASES_OBJECTS) / (GetParam() + ".o"));
  ASSERT_FALSE(object.empty());

  Options options = options_for(variant_named(case_field(source, "variant")));
  Result result = verify(object, options);
  if (rule == "none") {
    EXPECT_TRUE(result.image.has_value()) << describe(result);
    if (result.image) {
      EXPECT_EQ(recheck(*result.image, options), "");
    }
    return;
  }
  EXPECT_FALSE(result.image.has_value());
  ASSERT_FALSE(result.diagnostics.empty());
  for (const Diagnostic& diagnostic : result.diagnostics) {
    EXPECT_EQ(diagnostic.rule, rule) << describe(result);
    EXPECT_FALSE(diagnostic.message.empty());
    EXPECT_FALSE(diagnostic.hint.empty());
    bool about_code = rule.starts_with("sfi-") || (rule.starts_with("code-") && rule != "code-decode");
    EXPECT_EQ(about_code, !diagnostic.instruction.empty()) << describe(result);
    if (about_code) {
      EXPECT_FALSE(diagnostic.section.empty());
      EXPECT_FALSE(diagnostic.symbol.empty());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Case, testing::ValuesIn(case_names()), [](const auto& info) { return info.param; });

TEST(Cases, EveryRuleHasOne) {
  // The stable identifiers, as verifier-lite/README.md lists them.
  for (const char* rule : {"object-header",  "object-section",    "object-overlap", "object-symbol",
                           "object-group",   "object-relocation", "object-wx",      "object-variant",
                           "manifest",       "layout-size",       "reloc-type",     "reloc-place",
                           "reloc-overlap",  "reloc-symbol",      "reloc-overflow", "import-unknown",
                           "import-address", "entry-hook",        "entry-none",     "entry-name",
                           "entry-place",    "entry-constructor", "code-decode",    "code-encoding",
                           "code-opcode",    "code-prefix",       "code-register",  "code-indirect",
                           "code-branch",    "sfi-memory",        "sfi-stack",      "map"}) {
    bool made_by_mutation = false;  // no assembler writes these: lying_elf_test.cpp has them
    for (const char* mutated :
         {"object-header", "object-overlap", "object-group", "object-relocation", "layout-size", "entry-name"})
      made_by_mutation |= std::string(mutated) == rule;
    if (made_by_mutation) continue;
    std::string file_name = rule;
    std::replace(file_name.begin(), file_name.end(), '-', '_');
    bool found = false;
    for (const std::string& name : case_names()) found |= name.starts_with("reject_" + file_name);
    EXPECT_TRUE(found) << rule;
  }
}

}  // namespace
}  // namespace vbpf::verifier::test
