// SPDX-License-Identifier: Apache-2.0
// What an idle extension costs.
#include <fstream>

#include "loaded.h"

namespace vbpf::cli_test {
namespace {

uint64_t resident_kib(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string key; status >> key;) {
    uint64_t value = 0;
    if (key == "VmRSS:" && status >> value) return value;
  }
  return 0;
}

TEST_F(Loading, IdleWorkerIsSmall) {
  must_load("hello");
  const uint64_t worker = resident_kib(pid_of(show("hello")));
  const uint64_t keeper = resident_kib(pid_of(show("hello"), "keeper_pid"));
  ASSERT_GT(worker, 0u);
  RecordProperty("worker_kib", std::to_string(worker));
  RecordProperty("keeper_kib", std::to_string(keeper));
  if (SANITIZED) GTEST_SKIP() << "a sanitizer's shadow memory counts too";
  EXPECT_LE(worker, 16u << 10);
}

}  // namespace
}  // namespace vbpf::cli_test
