// SPDX-License-Identifier: Apache-2.0
// Questions about this machine, each answered by trying. What a probe makes, it makes in a process and a network
// namespace of its own, which are gone when it returns.
#pragma once

#include <string>
#include <vector>

namespace vbpf::cli {

struct Probe {
  std::string name;  // "pku"
  bool ok = false;
  std::string found;   // one sentence
  std::string advice;  // what to do when not ok
};

// In the order in which they are printed.
std::vector<Probe> probe_machine();

}  // namespace vbpf::cli
