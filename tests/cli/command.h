// SPDX-License-Identifier: Apache-2.0
// Runs the vbpf that was built.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vbpf::cli_test {

using Json = nlohmann::json;

struct Answer {
  int status = -1;  // the exit status; 128 + n for signal n
  std::string out, err;

  // The one document on standard output.
  Json json() const;
  // One line on standard error that holds each part.
  testing::AssertionResult says(const std::vector<std::string>& parts) const;
};

Answer run(const std::vector<std::string>& command);
// vbpf with these arguments, in a network namespace if one is named.
Answer vbpf(std::vector<std::string> arguments, const std::string& space = {});

// Objects of tests/extensions/cli by name, without .o.
std::string extension(const std::string& name);

// A folder that goes with the object.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name, const std::string& content) const;
  const std::filesystem::path path;
};

}  // namespace vbpf::cli_test
