// SPDX-License-Identifier: Apache-2.0
// Never returns: what its budget is there for.
#include "vbpf/vbpf.h"
#include "vbpf/xdp.h"

VBPF_XDP_ENTRY(endless)(struct vbpf_xdp*) {
  for (;;) asm volatile("");
}
