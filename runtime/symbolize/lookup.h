// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vbpf/source_line.h"

namespace vbpf::symbolize {

// The longest line a reply has, without its end.
constexpr size_t longest_line = 256;

// Where vbpf-symbolize is, judging by where this code is; empty if it is not there or could have been put there by
// a user who did not put this code there either. The environment has no say.
std::string find_program();

// source_lines() with a program of the caller's and a time limit.
std::vector<std::string> look_up(const std::string& program, std::span<const std::byte> object,
                                 verifier::Variant variant, std::span<const SourcePlace> places, int milliseconds);

}  // namespace vbpf::symbolize
