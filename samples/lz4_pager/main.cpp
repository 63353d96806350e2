// SPDX-License-Identifier: Apache-2.0
// Restores memory from a compressed image: a page is decompressed when it is touched.
#include <algorithm>
#include <vbpf/uffd.hpp>

#include "image.h"
#include "lz4.h"

VBPF_UFFD_ENTRY(lz4_pager)(struct vbpf_uffd* raw) {
  const vbpf::PageFault fault(*raw);
  if (!fault.is_missing()) return VBPF_UFFD_PASS;
  const auto image = lz4_image::Image::open(fault.source(), fault.size());
  if (!image) return VBPF_UFFD_PASS;
  const auto stored = image->page(fault.index());
  if (!stored) return VBPF_UFFD_PASS;
  if (stored->empty()) return VBPF_UFFD_ZERO;
  if (stored->size() == fault.size()) return fault.resolve_with(*stored);
  // A page of wrong bytes would be worse than none.
  return lz4::decode(*stored, fault.buffer()) == fault.size() ? VBPF_UFFD_RESOLVE : VBPF_UFFD_PASS;
}
