// SPDX-License-Identifier: Apache-2.0
// Symbols from outside an extension: which the loader supplies, and what to use instead of those it does not.
#pragma once

#include <string>
#include <string_view>

namespace vbpf::driver {

bool supplied_by_loader(std::string_view symbol);

// One sentence for a function that extensions cannot have; empty for a name that nothing is known of.
std::string advice_for(std::string_view symbol);

}  // namespace vbpf::driver
