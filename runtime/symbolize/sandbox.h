// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vbpf::symbolize {

// Gives up every right of this process but to compute, to have memory (512 MiB), and to read and write the files it has
// open (each up to `largest_file` bytes), for 1 s of CPU. False: it could not.
bool enter_sandbox(uint64_t largest_file);

}  // namespace vbpf::symbolize
