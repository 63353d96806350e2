// SPDX-License-Identifier: Apache-2.0
// Extensions that no verifier has seen: what an attacker could run if there were none. The kernel must contain them
// all.
#pragma once

#include <linux/vbpf.h>
#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vbpf::test {

// Owns a descriptor of /dev/vbpf or of an extension.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(other.value_) { other.value_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int get() const { return value_; }

 private:
  int value_;
};

// Looks every millisecond, and gives up after 20 seconds.
bool eventually(const std::function<bool()>& condition);

int open_device();  // a descriptor of /dev/vbpf; throws when there is none

struct RawOptions {
  std::string name = "raw";
  uint32_t concurrency = 0, flags = 0, copy_size = 0;
  uint32_t on_fault = VBPF_ON_FAULT_PASS, max_restarts = 0;
  uint64_t heap_size = 1 << 20, budget_ns = 50'000'000, init_budget_ns = 500'000'000;
};

// What came of one test run.
struct Ran {
  int error = 0;  // errno; 0: it returned
  uint32_t retval = 0;
  vbpf_fault fault{};
  std::vector<uint8_t> out;
};

// One extension whose text is `code`, with every byte a valid target, and a page of data at data_offset.
class RawExtension {
 public:
  static constexpr uint64_t text_offset = 0x100000, data_offset = 0x200000;

  // Entries and constructors are offsets in the code. Throws std::system_error with the errno.
  RawExtension(std::span<const std::byte> code, std::span<const uint64_t> entries, const RawOptions& options = {},
               std::span<const uint64_t> constructors = {});

  int descriptor() const { return extension_.get(); }
  uint32_t id() const { return create_.id; }
  uint32_t instances() const { return create_.instances; }
  uint64_t base(uint32_t instance) const { return bases_.at(instance); }

  // The entry's packet is these words.
  Ran run(uint32_t entry, std::vector<uint64_t> words = {}, uint32_t repeat = 1) const;
  vbpf_info info() const;
  void keep() const;
  void unload() const;

 private:
  Descriptor device_, extension_;
  vbpf_create create_{};
  std::vector<uint64_t> bases_;
};

// While it lives, this thread runs on one CPU, so that its per-CPU instance is always the same. Throws if there is
// none.
class OnCpu {
 public:
  explicit OnCpu(int cpu);
  OnCpu(const OnCpu&) = delete;
  OnCpu& operator=(const OnCpu&) = delete;
  ~OnCpu();

 private:
  cpu_set_t before_{};
};

uint64_t kernel_symbol(const std::string& name);  // its address; throws when /proc/kallsyms has none

}  // namespace vbpf::test
