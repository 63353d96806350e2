// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <vector>

#include "corpus.h"

namespace {
struct Person : std::enable_shared_from_this<Person> {
  explicit Person(uint8_t id) : id(id) { ++alive; }
  Person(const Person&) = delete;
  ~Person() { --alive; }
  uint8_t id;
  std::vector<std::shared_ptr<Person>> children;
  std::weak_ptr<Person> parent;
  static inline int alive = 0;
};
}  // namespace

CORPUS {
  auto root = std::make_shared<Person>(uint8_t{0});
  std::vector<std::weak_ptr<Person>> all{root};
  for (size_t i = 0; i < size; ++i) {
    auto parent = all[input[i] % all.size()].lock();
    if (!parent) continue;
    auto child = std::make_shared<Person>(input[i]);
    child->parent = parent->shared_from_this();
    parent->children.push_back(child);
    all.push_back(child);
    if (i % 20 == 19) root->children.erase(root->children.begin());
  }
  uint64_t hash = static_cast<uint64_t>(Person::alive);
  for (const auto& weak : all) {
    const auto person = weak.lock();
    hash = fold(hash, person ? person->id + static_cast<uint64_t>(person.use_count()) : 0);
  }
  root.reset();
  return fold(hash, static_cast<uint64_t>(Person::alive));
}
