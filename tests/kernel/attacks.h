// SPDX-License-Identifier: Apache-2.0
// The code of attacks.S, as the text of a raw extension.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

extern "C" {
extern const std::byte attacks_start[], attacks_end[], attack_constructor[];
#define ATTACK(name) extern const std::byte attack_##name[];
#include "attacks.def"
#undef ATTACK
}

namespace vbpf::test {

// The number of each as an entry.
enum Attack : uint32_t {
#define ATTACK(name) name,
#include "attacks.def"
#undef ATTACK
};

inline std::span<const std::byte> attack_code() { return {attacks_start, attacks_end}; }

inline std::vector<uint64_t> attack_entries() {
  return {
#define ATTACK(name) static_cast<uint64_t>(attack_##name - attacks_start),
#include "attacks.def"
#undef ATTACK
  };
}

}  // namespace vbpf::test
