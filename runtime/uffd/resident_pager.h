// SPDX-License-Identifier: Apache-2.0
// A pager of the library whose extension runs in the kernel.
#pragma once

#include "target.h"
#include "vbpf/pager.h"

namespace vbpf::uffd {

// `is_own`: nobody else has the userfaultfd, which stays open for as long as the pager lives. Errors are those of
// kernel::Resident.
Result<std::unique_ptr<vbpf::Pager>> answer_in_kernel(const Extension& extension, const Target& target, bool is_own,
                                                      const PagerOptions& options);

}  // namespace vbpf::uffd
