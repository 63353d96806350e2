// SPDX-License-Identifier: Apache-2.0
// The same, and 63 pages ahead.
#include <cstring>
#include <vbpf/uffd.hpp>

VBPF_UFFD_ENTRY(ahead)(struct vbpf_uffd* raw) {
  const vbpf::PageFault fault(*raw);
  if (!fault.is_prefetch()) fault.prefetch(63);
  const uint64_t index = fault.index();
  std::memcpy(fault.buffer().data(), &index, sizeof(index));
  return VBPF_UFFD_RESOLVE;
}
