// SPDX-License-Identifier: Apache-2.0
// Pages by whose number obey.cpp decides.
#pragma once

#include <cstdint>

namespace numbers {

enum Page : uint64_t {
  zero = 1,
  passed = 2,
  crashed = 3,
  poisoned = 4,
  continued = 5,
  nonsense = 6,
  ahead = 8,
  endless = 20,
  backwards = 40,
  from_source = 50,
  says_hello = 59,
  protect = 60,
  logs_source = 61,
  lies = 62,
  writes_source = 63,
};

}  // namespace numbers
