// SPDX-License-Identifier: Apache-2.0
// From the kernel's report of a fault to one a person can read.
#pragma once

#include <linux/vbpf.h>

#include <cstddef>
#include <span>
#include <vector>

#include "vbpf/extension.h"
#include "vbpf/verifier.h"

namespace vbpf::kernel {

// `symbols` with addresses as offsets from a region's base, sorted; `object` is what they are of, for source lines.
Fault describe(const vbpf_fault& raw, const std::vector<verifier::Symbol>& symbols, std::span<const std::byte> object);

}  // namespace vbpf::kernel
