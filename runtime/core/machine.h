// SPDX-License-Identifier: Apache-2.0
// What this machine can confine with, and the protection keys it has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vbpf/extension.h"

namespace vbpf {

struct Choice {
  Confinement confinement{};
  std::string reason;  // one sentence
};

// The confinement asked for, or the strongest there is. kind machine when it is not to be had.
Result<Choice> choose_confinement(std::optional<Confinement> asked);

bool cpu_has_avx();

// One of the CPU's protection keys, or none (value -1). While it is owned, every thread may open it for itself.
class ProtectionKey {
 public:
  static Result<ProtectionKey> allocate();
  ProtectionKey() = default;
  ProtectionKey(ProtectionKey&& other) noexcept;
  ProtectionKey& operator=(ProtectionKey&& other) noexcept;
  ProtectionKey(const ProtectionKey&) = delete;
  ProtectionKey& operator=(const ProtectionKey&) = delete;
  ~ProtectionKey();

  int value() const { return value_; }
  // PKRU bits of this key: access and write denied.
  uint32_t mask() const { return 3u << (2 * value_); }
  // Whether some ProtectionKey has this value. Async-signal-safe.
  static bool in_use(uint32_t key);

 private:
  int value_ = -1;
};

}  // namespace vbpf
