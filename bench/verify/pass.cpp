// SPDX-License-Identifier: Apache-2.0
// An entry that packets can be given to, so that the object can be attached too.
#include <vbpf/xdp.h>

VBPF_XDP_ENTRY(pass)(vbpf_xdp*) { return XDP_PASS; }
