// SPDX-License-Identifier: Apache-2.0
// Restores memory from a snapshot, page by page as it is touched: a process or a virtual machine runs before its memory
// is there. The range's first page is the image's first.
#include <vbpf/uffd.hpp>

#include "snapshot.h"

VBPF_UFFD_ENTRY(snapshot_pager)(struct vbpf_uffd* raw) {
  const vbpf::PageFault fault(*raw);
  if (!fault.is_missing()) return VBPF_UFFD_PASS;
  const auto image = snapshot::Image::open(fault.source(), fault.size());
  if (!image) return VBPF_UFFD_PASS;
  const auto page = image->page(fault.index());
  if (!page) return VBPF_UFFD_PASS;
  return page->empty() ? VBPF_UFFD_ZERO : fault.resolve_with(*page);
}
