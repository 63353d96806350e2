// SPDX-License-Identifier: Apache-2.0
// The guests of guest.cpp, for tests of the library.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "vbpf/extension.h"

namespace guest {

inline const std::string per_cpu = VBPF_GUESTS "/guest_per_cpu.o";
inline const std::string serial = VBPF_GUESTS "/guest_serial.o";
inline const std::string shared = VBPF_GUESTS "/guest_shared.o";

inline std::vector<std::byte> read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

// The value, or ~0 with a test failure.
inline uint64_t value_of(vbpf::Instance& instance, const char* entry, std::initializer_list<uint64_t> arguments) {
  const auto address = instance.entry(entry);
  if (!address) {
    ADD_FAILURE() << address.error().message;
    return ~uint64_t{0};
  }
  const vbpf::Outcome outcome = instance.call(*address, arguments);
  if (!outcome.fault) return outcome.value;
  ADD_FAILURE() << entry << ": " << vbpf::to_string(outcome.fault->kind) << ' ' << outcome.fault->message;
  return ~uint64_t{0};
}

// The kind of fault that the call ends in, "" if in none.
inline std::string fault_of(vbpf::Instance& instance, const char* entry, std::initializer_list<uint64_t> arguments) {
  const auto address = instance.entry(entry);
  if (!address) return address.error().message;
  const vbpf::Outcome outcome = instance.call(*address, arguments);
  return outcome.fault ? std::string(vbpf::to_string(outcome.fault->kind)) : "";
}

inline std::unique_ptr<vbpf::Instance> instantiate(const std::string& path, vbpf::LoadOptions options = {}) {
  auto extension = vbpf::Extension::open(path, std::move(options));
  if (!extension) {
    ADD_FAILURE() << extension.error().message;
    return nullptr;
  }
  auto instance = extension->instantiate();
  if (!instance) {
    ADD_FAILURE() << instance.error().message;
    return nullptr;
  }
  return *std::move(instance);
}

}  // namespace guest
