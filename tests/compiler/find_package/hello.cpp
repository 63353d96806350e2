// SPDX-License-Identifier: Apache-2.0
#include <vbpf/xdp.h>

#include <string>

#include "helper.h"

VBPF_XDP_ENTRY(hello)(vbpf_xdp* ctx) {
  return std::to_string(helper(ctx->data_end - ctx->data)).size() > 5 ? XDP_DROP : XDP_PASS;
}
