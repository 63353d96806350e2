// SPDX-License-Identifier: Apache-2.0
#include "run_driver.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "region.h"

namespace vbpf::test {

Outcome shell(const std::string& folder, const std::string& command) {
  Outcome outcome{-1, ""};
  FILE* pipe = popen(("cd '" + folder + "' && { " + command + " ; } 2>&1").c_str(), "r");  // NOLINT: a test's own text
  if (pipe == nullptr) return outcome;
  std::array<char, 4096> buffer;
  while (size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) outcome.output.append(buffer.data(), got);
  int status = pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void DriverTest::SetUp() {
  std::string pattern = testing::TempDir() + "/vbpf-driver-test-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder = pattern;
}

void DriverTest::TearDown() {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

void DriverTest::write(const std::string& name, const std::string& text) { std::ofstream(folder + "/" + name) << text; }
bool DriverTest::exists(const std::string& name) const { return std::filesystem::exists(folder + "/" + name); }

void DriverTest::build(const std::string& arguments) const {
  Outcome outcome = driver(arguments);
  EXPECT_EQ(outcome.code, 0) << arguments;
  EXPECT_EQ(outcome.output, "") << arguments;
}

void DriverTest::refuse(const std::string& arguments, const std::string& sentence) const {
  Outcome outcome = driver(arguments);
  EXPECT_EQ(outcome.code, 1) << arguments;
  EXPECT_NE(outcome.output.find(sentence), std::string::npos) << arguments << "\n" << outcome.output;
}

std::string DriverTest::verify(const std::string& name, verifier::Variant variant) const {
  std::vector<std::string> errors;
  if (Region::load(folder + "/" + name, variant, errors) != nullptr) return "ok";
  return errors.empty() ? "refused without a reason" : errors.front();
}

}  // namespace vbpf::test
