// SPDX-License-Identifier: Apache-2.0
// Source lines of places in an extension object, from its debug information.
//
// The object may be hostile, and debug information is read by libdw, which is not hardened: it is read in a process of
// its own, vbpf-symbolize, which has no rights left when it begins. What comes back is text, limited and printable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vbpf/verifier.h"

namespace vbpf {

struct SourcePlace {
  std::string_view section;
  uint64_t section_offset = 0;
};

// "file.cpp:12" for each place, empty where unknown (no debug information, no such section, or the lookup failed).
// Takes some milliseconds, one second at most; starts one process for all places. The process using this sees no
// SIGCHLD, and its wait() does not see the child. May be called from several threads.
std::vector<std::string> source_lines(std::span<const std::byte> object, verifier::Variant variant,
                                      std::span<const SourcePlace> places);

std::string source_line(std::span<const std::byte> object, verifier::Variant variant, std::string_view section,
                        uint64_t section_offset);

}  // namespace vbpf
