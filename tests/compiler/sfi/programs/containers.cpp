// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "program.h"

PROGRAM(containers) {
  using namespace program;
  Random random(seed);
  std::unordered_map<uint32_t, std::string> names;
  std::map<std::string, std::vector<uint32_t>> index;
  std::list<uint32_t> recent;
  std::deque<std::variant<uint32_t, std::string>> queue;
  for (int i = 0; i < 400; ++i) {
    const uint32_t key = random.below(150);
    std::string& name = names[key];
    name += static_cast<char>('a' + random.below(26));
    index[name].push_back(key);
    recent.push_front(key);
    if (recent.size() > 20) recent.pop_back();
    if (key % 2 == 0)
      queue.emplace_back(key);
    else
      queue.emplace_back(name);
    if (queue.size() > 50) queue.pop_front();
    if (key % 13 == 0) names.erase(random.below(150));
  }
  uint64_t hash = names.size();
  for (uint32_t key = 0; key < 150; ++key)
    if (const auto found = names.find(key); found != names.end())
      for (char c : found->second) hash = fold(hash, c);
  for (const auto& [name, keys] : index) hash = fold(hash, name.size() * 1000 + keys.size() + keys.back());
  for (uint32_t key : recent) hash = fold(hash, key);
  for (const auto& item : queue)
    hash = fold(hash,
                std::holds_alternative<uint32_t>(item) ? std::get<uint32_t>(item) : std::get<std::string>(item).size());
  std::optional<std::unique_ptr<std::vector<uint64_t>>> owner = std::make_unique<std::vector<uint64_t>>(100, seed);
  const auto moved = std::move(*owner);
  return fold(hash, moved->back() + (*owner == nullptr ? 1 : 2));
}
