// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>
#include <string>

#include "check.h"

FACILITY(map) {
  std::map<std::string, int> m;
  for (int i = 0; i < 2000; ++i) m[std::to_string(i * 7919 % 2000)] += i;
  CHECK(m.size() == 2000 && m.begin()->first == "0" && m.rbegin()->first == "999");
  m.erase("5");
  CHECK(!m.contains("5") && m.lower_bound("5")->first == "50");
  std::multimap<int, int> mm{{1, 2}, {1, 3}};
  CHECK(mm.count(1) == 2);
  return 0;
}

FACILITY(set) {
  std::set<int> s;
  for (int i = 0; i < 1000; ++i) s.insert(i * 37 % 1001);
  int previous = -1;
  for (int x : s) {
    CHECK(x > previous);
    previous = x;
  }
  auto node = s.extract(37);
  CHECK(!node.empty() && s.size() == 999);
  std::multiset<int> ms{1, 1, 2};
  CHECK(ms.count(1) == 2);
  return 0;
}
