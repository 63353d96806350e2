// SPDX-License-Identifier: Apache-2.0
// std::sort of 2000 records by a key.
#include <algorithm>

#include "kernel.h"

namespace {
struct Record {
  uint32_t key, value;
};
constexpr uint32_t kRecords = 2000;
Record records[kRecords];
}  // namespace

KERNEL(sort) {
  kernel::Random random;
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (uint32_t i = 0; i < kRecords; ++i) records[i] = {static_cast<uint32_t>(random.next()), i};
    std::sort(records, records + kRecords, [](const Record& a, const Record& b) { return a.key < b.key; });
    sum += records[round % kRecords].value;
  }
  return sum;
}
