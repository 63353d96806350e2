// SPDX-License-Identifier: Apache-2.0
// A hash table of bounded size: when it is full, the entry used longest ago makes room.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

template <typename Key, typename Value, typename Hash>
class LruMap {
 public:
  explicit LruMap(size_t capacity, Hash hash = {}) : capacity_(capacity), index_(0, std::move(hash)) {}

  // The value, which becomes the one used last, or null.
  Value* find(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }

  // Adds or replaces.
  Value& insert(const Key& key, Value value) {
    if (Value* known = find(key)) return *known = std::move(value);
    if (index_.size() >= capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    order_.emplace_front(key, std::move(value));
    index_.emplace(key, order_.begin());
    return order_.front().second;
  }

  void erase(const Key& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    order_.erase(found->second);
    index_.erase(found);
  }

  size_t size() const { return index_.size(); }

 private:
  using Order = std::list<std::pair<Key, Value>>;  // used last first

  size_t capacity_;
  Order order_;
  std::unordered_map<Key, typename Order::iterator, Hash> index_;
};
