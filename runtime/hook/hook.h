// SPDX-License-Identifier: Apache-2.0
// What the hooks of a process share: entries, what happens to an extension, and the policy for its faults.
#pragma once

#include <chrono>
#include <csignal>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "file.h"
#include "vbpf/extension.h"

namespace vbpf {

enum class OnFault { restart, detach, pass };  // restart: fresh instance; detach: as if unloaded; pass: count and go on

struct Event {
  enum class Kind {
    fault,
    restart,
    aborted,
    detached
  } kind{};  // aborted: the entry gave an answer that means nothing; the XDP hook reports at most one a second
  std::chrono::system_clock::time_point time;
  uint32_t queue = 0;          // or the serving thread
  std::optional<Fault> fault;  // kind fault
  std::string message;         // one line
};

struct EntryName {
  std::string hook, name;  // an empty name: the only one of the hook
};

// The number of the entry asked for; `extension` is for the error.
Result<size_t> choose_entry(const std::vector<EntryInfo>& entries, const EntryName& asked,
                            const std::string& extension);

// A file for an extension to read: not empty. An empty path: no file.
Result<File> open_source(const std::string& path);

// The kind of a fault, in words.
inline std::string reason_of(const Fault& fault) { return std::string(to_string(fault.kind)); }

// Threads started while one of these lives do not get the signals meant for the program, which go to its own threads.
// They do get the engine's, for faults and budgets.
class SignalsElsewhere {
 public:
  SignalsElsewhere();
  ~SignalsElsewhere();
  SignalsElsewhere(const SignalsElsewhere&) = delete;
  SignalsElsewhere& operator=(const SignalsElsewhere&) = delete;

 private:
  sigset_t before_{};
};

// For the copy of an object in the child of a fork: its threads are the parent's alone, and cannot be waited for.
inline void forget_thread(std::thread& thread) { static_cast<void>(new (std::nothrow) std::thread(std::move(thread))); }

// At most so many restarts in a minute. Thread safe.
class RestartLimit {
 public:
  explicit RestartLimit(uint32_t most) : most_(most) {}
  bool may_restart();

 private:
  const uint32_t most_;
  std::mutex mutex_;
  std::deque<std::chrono::steady_clock::time_point> restarts_;
};

}  // namespace vbpf
