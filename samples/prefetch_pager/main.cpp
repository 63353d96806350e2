// SPDX-License-Identifier: Apache-2.0
// Fills pages from the source, page for page, and those ahead of a scan with it, at whatever stride it goes.
#include <vbpf/uffd.hpp>

#include "stride.h"

static Stride stride;

VBPF_UFFD_ENTRY(prefetch_pager)(struct vbpf_uffd* raw) {
  const vbpf::PageFault fault(*raw);
  if (!fault.is_missing()) return VBPF_UFFD_PASS;
  if (!fault.is_prefetch()) {
    const auto [count, distance] = stride.touch(fault.index());
    fault.prefetch(count, distance);
  }
  const auto source = fault.source();
  const uint64_t offset = fault.index() * fault.size();
  return offset < source.size() ? fault.resolve_with(source.subspan(offset)) : VBPF_UFFD_ZERO;
}
