// SPDX-License-Identifier: Apache-2.0
// The registered ranges of a process, and the number of a page in them.
#pragma once

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "target.h"

namespace vbpf::uffd {

// What is registered. A range stays what it was when it was first seen: the kernel splits mappings (mprotect(), parts
// that are unregistered), and the number of a page in its range must not change by that. Thread safe.
class Ranges {
 public:
  explicit Ranges(const Target& target) : target_(target) {}

  struct Place {
    Range mapping;
    uint64_t range_start, range_size;
  };
  std::optional<Place> find(uint64_t address) {
    const std::scoped_lock lock(mutex_);
    const Range* mapping = look_up(mappings_, address);
    if (mapping == nullptr) {
      if (auto all = target_.ranges()) mappings_ = std::move(*all);
      mapping = look_up(mappings_, address);
      if (mapping == nullptr) return std::nullopt;
      add_ranges();
    }
    const Known* known = look_up(known_, address);
    if (known == nullptr) return Place{*mapping, mapping->start, mapping->end - mapping->start};
    return Place{*mapping, known->range_start, known->range_size};
  }
  // Bytes, and the largest page.
  Result<std::pair<uint64_t, uint64_t>> read() {
    const std::scoped_lock lock(mutex_);
    VBPF_TRY(mappings_, target_.ranges());
    add_ranges();
    uint64_t size = 0, page_size = 4096;
    for (const Range& mapping : mappings_) {
      size += mapping.end - mapping.start;
      page_size = std::max(page_size, mapping.page_size);
    }
    return std::pair(size, page_size);
  }
  // Mappings may have changed.
  void changed() {
    const std::scoped_lock lock(mutex_);
    mappings_.clear();
  }
  void unmapped(uint64_t start, uint64_t end) {
    const std::scoped_lock lock(mutex_);
    mappings_.clear();
    cut(start, end);
  }
  void moved(uint64_t from, uint64_t to, uint64_t size) {
    const std::scoped_lock lock(mutex_);
    mappings_.clear();
    const Known* known = look_up(known_, from);
    if (known == nullptr) return;
    const Known there{to, to + size, to - (from - known->range_start), known->range_size};
    cut(from, from + size);
    cut(to, to + size);
    insert(there);
  }

 private:
  struct Known {
    uint64_t start, end;  // the part that is where it was, or has been moved to
    uint64_t range_start, range_size;
  };

  template <typename T>
  static const T* look_up(const std::vector<T>& all, uint64_t address) {
    const auto after =
        std::upper_bound(all.begin(), all.end(), address, [](uint64_t at, const T& one) { return at < one.start; });
    if (after == all.begin() || address >= std::prev(after)->end) return nullptr;
    return &*std::prev(after);
  }
  void insert(const Known& known) {
    known_.insert(std::upper_bound(known_.begin(), known_.end(), known.start,
                                   [](uint64_t at, const Known& one) { return at < one.start; }),
                  known);
  }
  void cut(uint64_t start, uint64_t end) {
    std::vector<Known> left;
    for (const Known& known : known_) {
      if (known.start < start)
        left.push_back({known.start, std::min(known.end, start), known.range_start, known.range_size});
      if (known.end > end) left.push_back({std::max(known.start, end), known.end, known.range_start, known.range_size});
    }
    known_ = std::move(left);
  }
  // Mappings side by side are one range, as the kernel would have them if it could.
  void add_ranges() {
    for (size_t first = 0, next = 0; first < mappings_.size(); first = next) {
      uint64_t end = mappings_[first].end;
      for (next = first + 1; next < mappings_.size() && mappings_[next].start == end; ++next) end = mappings_[next].end;
      const uint64_t start = mappings_[first].start;
      const bool is_new =
          std::ranges::none_of(known_, [&](const Known& known) { return known.start < end && start < known.end; });
      if (is_new) insert({start, end, start, end - start});
    }
  }

  const Target& target_;
  std::mutex mutex_;
  std::vector<Range> mappings_;  // the kernel's, sorted
  std::vector<Known> known_;     // sorted
};

}  // namespace vbpf::uffd
