// SPDX-License-Identifier: Apache-2.0
// The userfaultfd hook on a stock kernel: threads that read a descriptor's messages, ask the extension, and do what it
// says. They take the place of the program's handler thread; what they pass goes to that.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hook.h"
#include "target.h"
#include "vbpf/extension.h"

namespace vbpf::uffd {

// A child of a fork of the program's, for who is to hand its faults back if this process is killed.
struct ChildNews {
  uint64_t id = 0;
  int descriptor = -1;        // its userfaultfd, open during the call; -1: it is served no longer
  std::vector<Range> ranges;  // of it, in place of those told before
};

struct Options {
  std::string entry;   // empty: the only one in section "uffd"
  std::string source;  // a file that the extension may read, or empty
  uint32_t threads = 1;
  uint32_t prefetch = 64;               // pages behind a fault that an extension gets at most
  std::chrono::microseconds spin{100};  // that long without a fault before a thread sleeps
  OnFault on_fault = OnFault::restart;
  uint32_t max_restarts = 10;  // within a minute; one more detaches
  OnExit on_exit = OnExit::wait;
  uint32_t max_children = 4096;                      // of forks, that are served at a time
  std::function<void(const ChildNews&)> on_child{};  // called by threads of the pager
};

struct Stats {
  uint64_t faults = 0;  // messages of page faults
  uint64_t resolved = 0, zeroed = 0, continued = 0, unprotected = 0, poisoned = 0, passed = 0;
  uint64_t prefetched = 0;             // pages nobody had asked for yet
  uint64_t late = 0;                   // the page was there already, or its mapping was gone
  uint64_t bytes = 0;                  // mapped
  uint64_t events = 0;                 // other messages: fork, remap, remove, unmap
  uint64_t crashes = 0, restarts = 0;  // of the extension
};

struct Info {
  std::string entry;
  pid_t pid = 0;
  int descriptor = -1;  // in the process
  uint64_t features = 0;
  uint32_t threads = 0;
  uint64_t registered = 0;  // bytes, when it was attached
  uint64_t page_size = 0;   // the largest, when it was attached
  uint64_t source_size = 0;
  size_t children = 0;  // of forks, that are served now
};

// Owns its threads. Destruction hands the faults back, as Options::on_exit says.
class Pager {
 public:
  // Nothing has been read from the descriptor on error.
  static Result<std::unique_ptr<Pager>> attach(const Extension& extension, Target target, const Options& options,
                                               std::function<void(const Event&)> on_event);
  virtual ~Pager() = default;

  virtual Info info() const = 0;
  virtual std::vector<Stats> stats() const = 0;  // one per thread; any thread may ask
  // The reason once it has ended by itself (the process has ended, policy), else nothing.
  virtual std::optional<std::string> detached() const = 0;
};

}  // namespace vbpf::uffd
