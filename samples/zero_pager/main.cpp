// SPDX-License-Identifier: Apache-2.0
// Every missing page becomes one of zeros: the smallest pager there is.
#include <vbpf/uffd.h>

VBPF_UFFD_ENTRY(zero_pager)(struct vbpf_uffd* fault) {
  const bool missing = (fault->access & (VBPF_UFFD_WP | VBPF_UFFD_MINOR)) == 0;
  return missing ? VBPF_UFFD_ZERO : VBPF_UFFD_PASS;
}
