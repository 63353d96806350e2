// SPDX-License-Identifier: Apache-2.0
// What the verifier's tests share.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "vbpf/verifier.h"

namespace vbpf::verifier::test {

// Thunks and imports as a loader would place them; without a base, in the half of the address space that the variant
// runs in.
Options options_for(Variant variant, uint64_t region_base);
Options options_for(Variant variant);

std::vector<std::byte> read_file(const std::filesystem::path& path);

// The value of "# key: value" in the head of an assembly file, empty if it is not there.
std::string case_field(const std::filesystem::path& source, const std::string& key);

Variant variant_named(const std::string& name);

// "rule section+0x12: instruction: message" for each diagnostic.
std::string describe(const Result& result);

}  // namespace vbpf::verifier::test
