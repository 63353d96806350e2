// SPDX-License-Identifier: Apache-2.0
// A folder for a test's files, and vbpf-clang++ run in it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vbpf/verifier.h"

namespace vbpf::test {

struct Outcome {
  int code;
  std::string output;  // standard output and error together
};

// Runs a shell command in `folder`.
Outcome shell(const std::string& folder, const std::string& command);

std::string read_text(const std::string& path);

class DriverTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  void write(const std::string& name, const std::string& text);
  bool exists(const std::string& name) const;
  std::string read(const std::string& name) const { return read_text(folder + "/" + name); }
  Outcome driver(const std::string& arguments) const { return shell(folder, VBPF_DRIVER " " + arguments); }
  // Expects that it works and says nothing.
  void build(const std::string& arguments) const;
  // Expects a refusal whose text holds the sentence.
  void refuse(const std::string& arguments, const std::string& sentence) const;
  // "ok", or the first reason why the variant of that object is refused.
  std::string verify(const std::string& name, verifier::Variant variant) const;

  std::string folder;
};

}  // namespace vbpf::test
