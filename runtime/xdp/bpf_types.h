// SPDX-License-Identifier: Apache-2.0
// bpf/shared.h for the host.
#pragma once

#include <linux/types.h>

#include "bpf/shared.h"

static_assert(sizeof(vbpf_cursor) == 64 && sizeof(vbpf_losses) == 64 && sizeof(vbpf_out_slot) == 16);
