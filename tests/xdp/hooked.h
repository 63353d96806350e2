// SPDX-License-Identifier: Apache-2.0
// A network with an extension attached to its near device.
#pragma once

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "network.h"
#include "xdp_hook.h"

namespace vbpf::xdp_test {

inline xdp::Options near_device() {
  xdp::Options options;
  options.device = "near";
  return options;
}

class Hooked {
 public:
  Hooked(const Network& network, const std::string& name, const xdp::Options& options = near_device());

  xdp::Hook& hook() { return *hook_; }
  bool attached() const { return hook_ != nullptr; }
  const std::string& error() const { return error_; }
  void detach() { hook_.reset(); }
  xdp::QueueStats total() const;
  std::vector<Event> events() const;
  // Waits until the condition holds; false after five seconds.
  template <typename Condition>
  static bool wait(Condition condition) {
    for (int attempt = 0; attempt < 500; ++attempt) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return condition();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  std::string error_;
  std::unique_ptr<xdp::Hook> hook_;
};

}  // namespace vbpf::xdp_test
