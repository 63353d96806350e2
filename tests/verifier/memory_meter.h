// SPDX-License-Identifier: Apache-2.0
// Counts what operator new gives out in this program, to hold the verifier to its promise on memory.
#pragma once

#include <cstddef>

namespace vbpf::verifier::test {

void start_metering();
size_t peak_bytes();  // since start_metering(), at most in use at once

}  // namespace vbpf::verifier::test
