// SPDX-License-Identifier: Apache-2.0
// BPF maps with types:
//
//   VBPF_MAPS constinit const vbpf::HashMap<uint32_t, uint64_t> hits("hits", 1024);
//   hits.update(source, hits.lookup(source).value_or(0) + 1);
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "vbpf/map.h"

namespace vbpf {

// Its bytes are a struct vbpf_map. Types are plain: they are copied as they are.
template <uint32_t Type, typename Key, typename Value>
class Map {
  static_assert(std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<Value>);

 public:
  // At most 15 characters.
  consteval Map(std::string_view name, uint32_t max_entries) : map_{Type, sizeof(Key), sizeof(Value), max_entries, {}} {
    if (name.empty() || name.size() >= sizeof(map_.name)) throw "a map's name has 1 to 15 characters";
    for (size_t i = 0; i < name.size(); ++i) map_.name[i] = name[i];
  }

  std::optional<Value> lookup(const Key& key) const {
    std::optional<Value> value(std::in_place);
    if (vbpf_map_lookup(&map_, &key, &*value) != 0) value.reset();
    return value;
  }
  // 0, or a negative errno.
  int64_t update(const Key& key, const Value& value, uint64_t flags = VBPF_ANY) const {
    return vbpf_map_update(&map_, &key, &value, flags);
  }
  // Of a hash: an array's values are always there.
  int64_t erase(const Key& key) const { return vbpf_map_delete(&map_, &key); }

 private:
  vbpf_map map_;
};

template <typename Key, typename Value>
using HashMap = Map<VBPF_MAP_HASH, Key, Value>;
template <typename Value>
using ArrayMap = Map<VBPF_MAP_ARRAY, uint32_t, Value>;

}  // namespace vbpf
