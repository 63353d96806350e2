// SPDX-License-Identifier: Apache-2.0
// The BPF maps that an object asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vbpf/result.h"
#include "vbpf/verifier.h"

namespace vbpf {

// Owns the descriptors: maps live as long as somebody has one.
class BpfMaps {
 public:
  struct Made {
    verifier::Map map;  // its address is an offset from the region's base
    int descriptor = -1;
    uint32_t id = 0;  // as bpftool shows it
  };

  BpfMaps() = default;
  BpfMaps(BpfMaps&& other) noexcept : all_(std::move(other.all_)) { other.all_.clear(); }
  BpfMaps& operator=(BpfMaps&& other) noexcept;
  BpfMaps(const BpfMaps&) = delete;
  BpfMaps& operator=(const BpfMaps&) = delete;
  ~BpfMaps();

  // Makes what the image asks for. refused: the kernel does not let us.
  static Result<BpfMaps> make(const verifier::Image& image);

  const std::vector<Made>& all() const { return all_; }
  // The map whose descriptor is at that offset; null if none.
  const Made* at(uint64_t offset) const;

 private:
  std::vector<Made> all_;
};

}  // namespace vbpf
