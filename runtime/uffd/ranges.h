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
  // Of the child `target`, which has what `parent` has now. The kernel says nothing about a child's mappings, so what
  // happens to them afterwards is known from events alone, and a mapping that was enlarged is by its faults.
  Ranges(const Target& target, Ranges& parent) : target_(target) {
    const std::scoped_lock lock(parent.mutex_);
    is_complete_ = parent.refresh();
    mappings_ = parent.mappings_;
    known_ = parent.known_;
  }

  struct Place {
    Range mapping;
    uint64_t range_start, range_size;
  };
  std::optional<Place> find(uint64_t address) {
    const std::scoped_lock lock(mutex_);
    const Range* mapping = look_up(mappings_, address);
    if (mapping == nullptr || is_stale_) {
      if (mapping == nullptr && target_.is_child() && is_complete_) enlarge(address);
      refresh();
      mapping = look_up(mappings_, address);
      if (mapping == nullptr) return std::nullopt;
    }
    const Known* known = look_up(known_, address);
    if (known == nullptr) return Place{*mapping, mapping->start, mapping->end - mapping->start};
    return Place{*mapping, known->range_start, known->range_size};
  }
  // Bytes, and the largest page.
  Result<std::pair<uint64_t, uint64_t>> read() {
    const std::scoped_lock lock(mutex_);
    VBPF_TRY(mappings_, target_.ranges());
    is_stale_ = false;
    add_ranges();
    uint64_t size = 0, page_size = 4096;
    for (const Range& mapping : mappings_) {
      size += mapping.end - mapping.start;
      page_size = std::max(page_size, mapping.page_size);
    }
    return std::pair(size, page_size);
  }
  // What is known of the mappings, without asking the kernel.
  std::vector<Range> mappings() {
    const std::scoped_lock lock(mutex_);
    return mappings_;
  }
  // Mappings may have changed.
  void changed() {
    const std::scoped_lock lock(mutex_);
    is_stale_ = true;
  }
  void unmapped(uint64_t start, uint64_t end) {
    const std::scoped_lock lock(mutex_);
    is_stale_ = true;
    cut(mappings_, start, end);
    cut(known_, start, end);
  }
  void moved(uint64_t from, uint64_t to, uint64_t size) {
    const std::scoped_lock lock(mutex_);
    is_stale_ = true;
    move_mapping(from, to, size);
    const Known* known = look_up(known_, from);
    if (known == nullptr) return;
    const Known there{to, to + size, to - (from - known->range_start), known->range_size};
    cut(known_, from, from + size);
    cut(known_, to, to + size);
    insert(known_, there);
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
  template <typename T>
  static void insert(std::vector<T>& all, const T& added) {
    all.insert(
        std::upper_bound(all.begin(), all.end(), added.start, [](uint64_t at, const T& one) { return at < one.start; }),
        added);
  }
  template <typename T>
  static void cut(std::vector<T>& all, uint64_t start, uint64_t end) {
    std::vector<T> left;
    for (const T& one : all) {
      if (one.start < start) left.push_back(one), left.back().end = std::min(one.end, start);
      if (one.end > end) left.push_back(one), left.back().start = std::max(one.start, end);
    }
    all = std::move(left);
  }
  // False: the process has ended, and they stay as they were known.
  bool refresh() {
    is_stale_ = false;
    if (target_.is_child()) return is_complete_;
    auto all = target_.ranges();
    if (!all || target_.has_no_memory()) return false;  // or not to the end
    mappings_ = std::move(*all);
    add_ranges();
    return true;
  }
  void move_mapping(uint64_t from, uint64_t to, uint64_t size) {
    const Range* mapping = look_up(mappings_, from);
    if (mapping == nullptr) return;
    Range there = *mapping;
    there.start = to;
    there.end = to + size;
    cut(mappings_, from, from + size);
    cut(mappings_, to, to + size);
    insert(mappings_, there);
  }
  // A fault of a child's in no mapping: the one before was enlarged, since none can be registered anew there.
  void enlarge(uint64_t address) {
    const auto after = std::upper_bound(mappings_.begin(), mappings_.end(), address,
                                        [](uint64_t at, const Range& one) { return at < one.start; });
    if (after != mappings_.begin()) std::prev(after)->end = (address | 4095) + 1;
  }
  // Mappings side by side are one range, as the kernel would have them if it could.
  void add_ranges() {
    for (size_t first = 0, next = 0; first < mappings_.size(); first = next) {
      uint64_t end = mappings_[first].end;
      for (next = first + 1; next < mappings_.size() && mappings_[next].start == end; ++next) end = mappings_[next].end;
      const uint64_t start = mappings_[first].start;
      const bool is_new =
          std::ranges::none_of(known_, [&](const Known& known) { return known.start < end && start < known.end; });
      if (is_new) insert(known_, Known{start, end, start, end - start});
    }
  }

  const Target& target_;
  std::mutex mutex_;
  bool is_stale_ = false;        // to be asked for before they are used
  bool is_complete_ = true;      // of a child: its parent was there to be asked
  std::vector<Range> mappings_;  // the kernel's, sorted
  std::vector<Known> known_;     // sorted
};

}  // namespace vbpf::uffd
