// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "check.h"

FACILITY(vector) {
  std::vector<uint64_t> v;
  for (uint64_t i = 0; i < 100000; ++i) v.push_back(i * 3);
  CHECK(v.size() == 100000 && v[99999] == 299997);
  v.erase(v.begin() + 10, v.begin() + 20);
  v.insert(v.begin(), 7);
  CHECK(v.size() == 99991 && v[0] == 7 && v[11] == 60);
  v.resize(3);
  v.shrink_to_fit();
  std::vector<bool> bits(1000);
  bits[opaque(777)] = true;
  CHECK(bits[777] && !bits[776]);
  std::vector<std::vector<int>> nested(50, std::vector<int>(50, 2));
  int sum = 0;
  for (const auto& row : nested)
    for (int x : row) sum += x;
  CHECK(sum == 5000);
  return 0;
}
