// SPDX-License-Identifier: Apache-2.0
// Which pages were written since they were protected: the program registers a range for write-protect faults and
// protects it, and finds the pages, with the thread that wrote each first, in the map `dirty`.
#include <vbpf/map.hpp>
#include <vbpf/uffd.hpp>

VBPF_MAPS constinit const vbpf::HashMap<uint64_t, uint32_t> dirty("dirty", 65536);

VBPF_UFFD_ENTRY(wp_tracker)(struct vbpf_uffd* raw) {
  const vbpf::PageFault fault(*raw);
  if (!fault.is_protection()) return VBPF_UFFD_PASS;
  // A page that cannot be remembered stays protected, and is the program's to deal with.
  if (dirty.update(fault.page(), fault.thread()) != 0) return VBPF_UFFD_PASS;
  return VBPF_UFFD_UNPROTECT;
}
