// SPDX-License-Identifier: Apache-2.0
// What the kernel remembers of an extension: its last faults and log lines.
#pragma once

#include <linux/vbpf.h>

#include <chrono>
#include <string_view>
#include <vector>

namespace vbpf::kernel {

// With a number of at least `from`, oldest first. `extension`: its descriptor.
std::vector<vbpf_fault> faults_of(int extension, uint64_t from);
std::vector<vbpf_log_line> lines_of(int extension, uint64_t from);

std::chrono::system_clock::time_point time_of(const vbpf_fault& fault);
std::chrono::system_clock::time_point time_of(const vbpf_log_line& line);
std::string_view text_of(const vbpf_log_line& line);

// The two in order of time: calls `on_fault` and `on_line` with each.
template <typename OnFault, typename OnLine>
void in_order(const std::vector<vbpf_fault>& faults, const std::vector<vbpf_log_line>& lines, OnFault on_fault,
              OnLine on_line) {
  auto line = lines.begin();
  for (const vbpf_fault& fault : faults) {
    while (line != lines.end() && time_of(*line) <= time_of(fault)) on_line(*line++);
    on_fault(fault);
  }
  while (line != lines.end()) on_line(*line++);
}

}  // namespace vbpf::kernel
