// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "check.h"

FACILITY(unordered_map) {
  std::unordered_map<uint32_t, uint64_t> m;
  for (uint32_t i = 0; i < 50000; ++i) m[i * 2654435761u] = i;
  for (uint32_t i = 0; i < 50000; ++i) CHECK(m.at(i * 2654435761u) == i);
  for (uint32_t i = 0; i < 50000; i += 2) m.erase(i * 2654435761u);
  CHECK(m.size() == 25000 && m.load_factor() <= 1.0f);
  std::unordered_map<std::string, std::string> names{{"a", "b"}, {"c", "d"}};
  names.reserve(1000);
  CHECK(names["c"] == "d" && names.bucket_count() >= 1000);
  return 0;
}

FACILITY(unordered_set) {
  std::unordered_set<std::string> s;
  for (int i = 0; i < 500; ++i) s.emplace(std::to_string(i % 100));
  CHECK(s.size() == 100 && s.contains("42"));
  std::unordered_multiset<int> ms{1, 1};
  CHECK(ms.count(1) == 2);
  return 0;
}
