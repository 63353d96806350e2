// SPDX-License-Identifier: Apache-2.0
// An instance for tests that run under every confinement; those that this machine lacks are skipped.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>

#include "vbpf/abi.h"
#include "vbpf/extension.h"

namespace vbpf::test {

class ConfinedTest : public testing::TestWithParam<Confinement> {
 protected:
  // Budgets are long: emulated and busy CPUs are slow.
  static LoadOptions options() {
    LoadOptions options;
    options.confine = GetParam();
    options.budget = std::chrono::seconds(5);
    return options;
  }

  // Null, with the test skipped or failed, when it cannot be had.
  static std::unique_ptr<Instance> make(const char* object, const LoadOptions& options) {
    Result<Extension> extension = Extension::open(object, options);
    if (!extension && extension.error().kind == ErrorKind::machine) {
      skip(extension.error().message);
      return nullptr;
    }
    if (!extension) {
      ADD_FAILURE() << extension.error().message;
      return nullptr;
    }
    Result<std::unique_ptr<Instance>> instance = extension->instantiate();
    if (!instance) {
      ADD_FAILURE() << instance.error().message;
      return nullptr;
    }
    return std::move(*instance);
  }

  static Outcome call(Instance& instance, const char* entry, std::initializer_list<uint64_t> arguments = {}) {
    const Result<uint64_t> address = instance.entry(entry);
    EXPECT_TRUE(address) << entry;
    return address ? instance.call(*address, arguments) : Outcome{};
  }

 private:
  static void skip(const std::string& why) { GTEST_SKIP() << why; }
};

inline std::string confinement_name(const testing::TestParamInfo<Confinement>& info) {
  return std::string(to_string(info.param));
}

}  // namespace vbpf::test
