// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <ctime>

namespace vbpf::kernel {
namespace {

template <typename T>
std::vector<T> all_of(int extension, unsigned long request, uint64_t from) {
  std::vector<T> all;
  T one{};
  one.number = from;
  while (::ioctl(extension, request, &one) == 0) {
    all.push_back(one);
    ++one.number;
  }
  return all;
}

}  // namespace

std::vector<vbpf_fault> faults_of(int extension, uint64_t from) {
  return all_of<vbpf_fault>(extension, VBPF_EXT_FAULT, from);
}

std::vector<vbpf_log_line> lines_of(int extension, uint64_t from) {
  return all_of<vbpf_log_line>(extension, VBPF_EXT_LOG, from);
}

std::chrono::system_clock::time_point time_of(const vbpf_fault& fault) {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto age = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) -
                   std::chrono::nanoseconds(fault.time_ns);
  return std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
}

std::chrono::system_clock::time_point time_of(const vbpf_log_line& line) {
  return std::chrono::system_clock::time_point{
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(line.time_ns))};
}

std::string_view text_of(const vbpf_log_line& line) {
  return {line.text, std::min<size_t>(line.size, sizeof(line.text))};
}

}  // namespace vbpf::kernel
