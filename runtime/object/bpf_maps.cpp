// SPDX-License-Identifier: Apache-2.0
#include "bpf_maps.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "vbpf/abi.h"

namespace vbpf {

BpfMaps& BpfMaps::operator=(BpfMaps&& other) noexcept {
  std::swap(all_, other.all_);
  return *this;
}

BpfMaps::~BpfMaps() {
  for (const Made& made : all_) ::close(made.descriptor);
}

Result<BpfMaps> BpfMaps::make(const verifier::Image& image) {
  BpfMaps maps;
  for (const verifier::Map& map : image.maps) {
    const int descriptor = bpf_map_create(static_cast<bpf_map_type>(map.type), map.name.c_str(), map.key_size,
                                          map.value_size, map.max_entries, nullptr);
    if (descriptor < 0) {
      const int error = errno;
      return Error{ErrorKind::refused, "the kernel did not make the map " + map.name + ": " + std::strerror(error) +
                                           (error == EPERM ? " (it takes root)" : "")};
    }
    maps.all_.push_back({map, descriptor, 0});
    maps.all_.back().map.address -= image.region_base;
    bpf_map_info info{};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(descriptor, &info, &size) != 0)
      return Error{ErrorKind::refused, "the kernel does not tell the map's id: " + std::string(std::strerror(errno))};
    maps.all_.back().id = info.id;
  }
  return maps;
}

const BpfMaps::Made* BpfMaps::at(uint64_t offset) const {
  if (all_.empty() || offset < all_.front().map.address) return nullptr;
  const uint64_t distance = offset - all_.front().map.address;
  if (distance % sizeof(vbpf_map) != 0 || distance / sizeof(vbpf_map) >= all_.size()) return nullptr;
  return &all_[distance / sizeof(vbpf_map)];
}

}  // namespace vbpf
