// SPDX-License-Identifier: Apache-2.0
// The address space of one instance: 4 GiB, aligned, with guard zones, laid out as abi.h says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vbpf/result.h"

namespace vbpf {

// For addresses that come from the layout, not from an object.
inline std::byte* memory_at(uint64_t address) {
  return reinterpret_cast<std::byte*>(address);  // NOLINT(performance-no-int-to-ptr)
}

// Memory of the region that the extension can read: [begin, end).
struct Range {
  uint64_t begin = 0, end = 0;
  enum class Kind { info, thunks, text, read_only, data, target_map, stack, heap, window, view } kind = Kind::data;
};

// Owns the address space; everything in it goes with it.
class Region {
 public:
  static Result<Region> reserve();
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  uint64_t base() const { return base_; }

  // Every mapping from now on gets this protection key.
  void set_key(int key) { key_ = key; }

  // Fresh zeroed pages at an offset, page aligned, readable and writable; or, with `memory`, those of a file.
  Result<void> map(uint64_t offset, uint64_t size, Range::Kind kind, int memory = -1);
  // map(), filled with bytes, then protected (PROT_READ, PROT_READ | PROT_EXEC, …).
  Result<void> map_filled(uint64_t offset, uint64_t size, std::span<const std::byte> bytes, int protection,
                          Range::Kind kind);

  // The start of a file, to be read.
  Result<void> map_view(uint64_t offset, uint64_t size, int file);

  // The range that holds an address, or nothing.
  const Range* find(uint64_t address) const;
  // Whether all of [address, address + size) is memory the extension can read, and the host too: no view.
  bool owns(uint64_t address, uint64_t size) const { return owns(address, size, false); }
  // Whether it is memory the extension can write.
  bool owns_writable(uint64_t address, uint64_t size) const { return owns(address, size, true); }

 private:
  explicit Region(uint64_t base) : base_(base) {}
  bool owns(uint64_t address, uint64_t size, bool writable) const;
  uint64_t base_ = 0;  // 0: moved from
  int key_ = -1;
  std::vector<Range> ranges_;
};

}  // namespace vbpf
