// SPDX-License-Identifier: Apache-2.0
// Waiting for what another thread or process is about to do.
#pragma once

#include <chrono>
#include <thread>

namespace vbpf::uffd::test {

// True as soon as the condition is; false when the time is over.
template <typename Condition>
bool soon(Condition condition, std::chrono::seconds time = std::chrono::seconds(5)) {
  for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace vbpf::uffd::test
