// SPDX-License-Identifier: Apache-2.0
// Answers by the number of the page: see pages.h. Every page that is resolved holds its number, word for word.
#include <vbpf/vbpf.h>

#include <algorithm>
#include <cstdlib>
#include <vbpf/uffd.hpp>

#include "pages.h"

using namespace numbers;

static int fill(const vbpf::PageFault& fault) {
  const std::uint64_t index = fault.index();
  for (std::size_t at = 0; at < fault.size(); at += sizeof(index))
    __builtin_memcpy(fault.buffer().data() + at, &index, sizeof(index));
  return VBPF_UFFD_RESOLVE;
}

VBPF_UFFD_ENTRY(obey)(struct vbpf_uffd* raw) {
  const vbpf::PageFault fault(*raw);
  if (fault.is_protection()) return VBPF_UFFD_UNPROTECT;
  if (fault.is_minor()) return VBPF_UFFD_CONTINUE;
  switch (fault.index()) {
    case zero:
      return VBPF_UFFD_ZERO;
    case passed:
      return VBPF_UFFD_PASS;
    case crashed:
      return *reinterpret_cast<volatile int*>(8);
    case poisoned:
      return VBPF_UFFD_POISON;
    case continued:
      return VBPF_UFFD_CONTINUE;
    case nonsense:
      return 99;
    case ahead:
      fault.prefetch(3);
      return fill(fault);
    case endless:
      for (;;) asm volatile("");
    case backwards:
      fault.prefetch(1000000, -2);
      return fill(fault);
    case from_source:
      return fault.resolve_with(fault.source());
    case logs_source:
      vbpf_log_write(reinterpret_cast<const char*>(fault.source().data()), 4);
      return fill(fault);
    case protect:
      fault.protect();
      return fill(fault);
    default:
      return fill(fault);
  }
}
