// SPDX-License-Identifier: Apache-2.0
// Extension objects on their way to an engine: read from a file, refused by the verifier, linked with its thunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vbpf/result.h"
#include "vbpf/verifier.h"

namespace vbpf {

// bad_input or refused: not a regular file, not readable, larger than 1 GiB.
Result<std::vector<std::byte>> read_object(const std::string& path);

// The first of the verifier's reasons, as one line.
Error refusal(const std::string& name, const std::vector<verifier::Diagnostic>& diagnostics);

// The function that a place in the code belongs to; null if none. `symbols` is sorted by address.
const verifier::Symbol* function_at(const std::vector<verifier::Symbol>& symbols, uint64_t address);

}  // namespace vbpf
