// SPDX-License-Identifier: Apache-2.0
// Each page begins with its number: as little work as a pager can have.
#include <cstring>
#include <vbpf/uffd.hpp>

VBPF_UFFD_ENTRY(number)(struct vbpf_uffd* raw) {
  const vbpf::PageFault fault(*raw);
  const uint64_t index = fault.index();
  std::memcpy(fault.buffer().data(), &index, sizeof(index));
  return VBPF_UFFD_RESOLVE;
}
