// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <deque>
#include <forward_list>
#include <list>
#include <queue>
#include <stack>

#include "check.h"

FACILITY(deque) {
  std::deque<int> d;
  for (int i = 0; i < 5000; ++i) i % 2 ? d.push_back(i) : d.push_front(i);
  CHECK(d.size() == 5000 && d.front() == 4998 && d.back() == 4999 && d[2500] == 1);
  std::priority_queue<int> q(d.begin(), d.end());
  CHECK(q.top() == 4999);
  std::stack<int> s;
  s.push(3);
  CHECK(s.top() == 3);
  return 0;
}

FACILITY(list) {
  std::list<int> l{5, 3, 9, 1}, other{100, 200};
  l.sort();
  l.splice(l.begin(), other);
  CHECK(l.front() == 100 && l.back() == 9 && l.size() == 6);
  l.remove_if([](int x) { return x > 50; });
  l.reverse();
  CHECK(l.front() == 9 && l.size() == 4);
  std::forward_list<int> f{3, 2, 1};
  f.sort();
  CHECK(f.front() == 1);
  std::array<int, 4> a{4, 3, 2, 1};
  CHECK(a.at(opaque(2)) == 2);
  return 0;
}
