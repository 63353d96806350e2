// SPDX-License-Identifier: Apache-2.0
// An eBPF program that does nothing but call one entry of an extension in the kernel, as a hook does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "raw_extension.h"

namespace vbpf::test {

// It is attached to a device of its own, on which nothing comes: so the kernel need not patch its code for each run.
class HookProgram {
 public:
  HookProgram(uint32_t extension, uint32_t entry);  // throws std::system_error

  int descriptor() const { return program_.get(); }
  // The verdict on a packet of these words, each of `repeat` times; `out`: the packet afterwards.
  uint32_t run(const std::vector<uint64_t>& words, uint32_t repeat = 1, std::vector<uint8_t>* out = nullptr) const;

 private:
  Descriptor program_, device_, link_;
};

// While it lives, calls of a kernel function are counted, by a kprobe. Throws if there is none of that name.
class CallCount {
 public:
  explicit CallCount(const std::string& function);
  CallCount(const CallCount&) = delete;
  CallCount& operator=(const CallCount&) = delete;
  ~CallCount();
  uint64_t hits() const;

 private:
  std::string event_;
};

}  // namespace vbpf::test
