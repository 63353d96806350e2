// SPDX-License-Identifier: Apache-2.0
// A page fault with spans and names in place of the fields of struct vbpf_uffd:
//
//   VBPF_UFFD_ENTRY(pager)(vbpf_uffd* raw) {
//     vbpf::PageFault fault(*raw);
//     return fault.resolve_with(fault.source().subspan(fault.index() * fault.size()));
//   }
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "vbpf/uffd.h"

namespace vbpf {

class PageFault {
 public:
  explicit PageFault(vbpf_uffd& fault) : fault_(fault) {}

  std::uint64_t page() const { return fault_.page; }
  std::size_t size() const { return fault_.page_size; }
  // Of the page, in its range; and how many the range has.
  std::uint64_t index() const { return (fault_.page - fault_.range_start) / fault_.page_size; }
  std::uint64_t pages() const { return fault_.range_size / fault_.page_size; }
  std::uint32_t thread() const { return fault_.thread; }

  bool is_write() const { return has(VBPF_UFFD_WRITE); }
  bool is_protection() const { return has(VBPF_UFFD_WP); }
  bool is_minor() const { return has(VBPF_UFFD_MINOR); }
  bool is_prefetch() const { return has(VBPF_UFFD_PREFETCH); }
  bool is_missing() const { return !is_protection() && !is_minor(); }

  std::span<std::uint8_t> buffer() const { return {fault_.buffer, fault_.page_size}; }
  std::span<const std::uint8_t> source() const { return {fault_.source, fault_.source_size}; }

  // So many more pages, each `stride` pages from the one before: the entry is asked about each.
  void prefetch(std::uint32_t count, std::int32_t stride = 1) const {
    fault_.prefetch = count;
    fault_.stride = stride;
  }
  void protect() const { fault_.protect = 1; }

  // The answer after filling the page with those bytes, and zeros after them.
  int resolve_with(std::span<const std::uint8_t> bytes) const {
    const auto end = std::ranges::copy_n(bytes.begin(), static_cast<std::ptrdiff_t>(std::min(bytes.size(), size())),
                                         buffer().begin())
                         .out;
    std::fill(end, buffer().end(), std::uint8_t{0});
    return VBPF_UFFD_RESOLVE;
  }

 private:
  bool has(std::uint32_t bit) const { return (fault_.access & bit) != 0; }
  vbpf_uffd& fault_;
};

}  // namespace vbpf
