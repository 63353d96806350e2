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
    case says_hello:
      vbpf_log_write("hello from page 59", 18);
      return fill(fault);
    case logs_source:
      vbpf_log_write(reinterpret_cast<const char*>(fault.source().data()), 4);
      return fill(fault);
    case lies: {  // over all that it was asked, also where the answer is not
      fill(fault);
      const uint64_t garbage = 0x4141414141414141;
      for (size_t at = 0; at + sizeof(garbage) <= 4096; at += sizeof(garbage))
        __builtin_memcpy(reinterpret_cast<uint8_t*>(raw) + at, &garbage, sizeof(garbage));
      return VBPF_UFFD_RESOLVE;
    }
    case writes_source:
      *const_cast<volatile uint8_t*>(fault.source().data()) = 1;
      return fill(fault);
    case protect:
      fault.protect();
      return fill(fault);
    default:
      return fill(fault);
  }
}
