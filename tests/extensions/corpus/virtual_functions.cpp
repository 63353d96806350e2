// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <vector>

#include "corpus.h"

namespace {
struct Named {
  virtual ~Named() = default;
  virtual uint64_t name() const = 0;
};
struct Counted {
  virtual ~Counted() = default;
  virtual uint64_t count() const { return 1; }
  uint64_t base = 5;
};
struct Left : virtual Counted {
  uint64_t count() const override { return 2 + base; }
};
struct Right : virtual Counted {
  uint64_t right = 9;
};
struct Both : Named, Left, Right {
  explicit Both(uint64_t id) : id(id) {}
  uint64_t name() const override { return id + right; }
  uint64_t count() const final { return Left::count() * 3; }
  uint64_t id;
};
struct Plain : Named {
  uint64_t name() const override { return 17; }
};
struct Tracer : Named {
  explicit Tracer(uint64_t& out) : log(out) { log = fold(log, Tracer::name()); }
  ~Tracer() override { log = fold(log, 99); }
  uint64_t name() const override { return 3; }
  uint64_t& log;
};
}  // namespace

CORPUS {
  uint64_t hash = 1;
  {
    std::vector<std::unique_ptr<Named>> things;
    for (size_t i = 0; i < size; ++i) {
      if (input[i] % 3 == 0) things.push_back(std::make_unique<Both>(i));
      if (input[i] % 3 == 1) things.push_back(std::make_unique<Plain>());
      if (input[i] % 3 == 2) things.push_back(std::make_unique<Tracer>(hash));
    }
    for (const auto& thing : things) hash = fold(hash, thing->name());
  }
  const Both both(4);
  const Counted& counted = both;
  uint64_t (Named::*member)() const = &Named::name;  // a pointer to a virtual function
  return fold(hash, counted.count() + (both.*member)());
}
