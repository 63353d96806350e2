// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "check.h"

namespace {
int alive = 0;
struct Counted : std::enable_shared_from_this<Counted> {
  Counted() { ++alive; }
  Counted(const Counted&) = delete;
  ~Counted() { --alive; }
};
struct alignas(128) Wide {
  char bytes[256];
};
}  // namespace

FACILITY(unique_ptr) {
  {
    auto p = std::make_unique<Counted>();
    auto q = std::move(p);
    CHECK(!p && q && alive == 1);
    auto many = std::make_unique<Counted[]>(10);
    CHECK(alive == 11);
  }
  CHECK(alive == 0);
  auto wide = std::make_unique<Wide>();
  CHECK(reinterpret_cast<uintptr_t>(wide.get()) % 128 == 0);
  return 0;
}

FACILITY(shared_ptr) {
  std::weak_ptr<Counted> weak;
  {
    auto p = std::make_shared<Counted>();
    std::shared_ptr<Counted> q(new Counted, [](Counted* c) { delete c; });
    weak = p->shared_from_this();
    CHECK(alive == 2 && weak.lock() == p);
    CHECK(p.use_count() == 1);
  }
  CHECK(alive == 0 && weak.expired() && !weak.lock());
  return 0;
}
