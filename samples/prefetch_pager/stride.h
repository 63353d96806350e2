// SPDX-License-Identifier: Apache-2.0
// Finds out whether pages are touched at even distances, as readahead in a kernel does.
#pragma once

#include <cstdint>

class Stride {
 public:
  // What to fetch besides a page that was touched: `count` more, each `distance` pages from the one before.
  struct Advice {
    uint32_t count = 0;
    int32_t distance = 1;
  };

  Advice touch(uint64_t page) {
    const int64_t distance = static_cast<int64_t>(page) - static_cast<int64_t>(expected_);
    // Where the last advice ended is where a fault comes next if it was right.
    if (known_ && distance == 0) {
      count_ = count_ * 2 > most ? most : count_ * 2;
    } else {
      const int64_t step = static_cast<int64_t>(page) - static_cast<int64_t>(last_);
      const bool again = step == step_ && step != 0 && step <= furthest && step >= -furthest;
      count_ = again ? first : 0;
      step_ = step;
    }
    last_ = page;
    known_ = count_ != 0;
    expected_ = page + static_cast<uint64_t>(step_ * (static_cast<int64_t>(count_) + 1));
    return {count_, static_cast<int32_t>(known_ ? step_ : 1)};
  }

 private:
  static constexpr uint32_t first = 4, most = 64;
  static constexpr int64_t furthest = 1024;
  uint64_t last_ = 0, expected_ = 0;
  int64_t step_ = 0;
  uint32_t count_ = 0;
  bool known_ = false;
};
