// SPDX-License-Identifier: Apache-2.0
// A second opinion on an accepted image: another algorithm (it follows the flow of control instead of a straight line),
// with a list of what is forbidden instead of what is allowed. Slow; for tests and the fuzzer.
#pragma once

#include <string>

#include "vbpf/verifier.h"

namespace vbpf::verifier::test {

// Empty if every instruction that can be reached keeps the invariants, else what is wrong.
std::string recheck(const Image& image, const Options& options);

}  // namespace vbpf::verifier::test
