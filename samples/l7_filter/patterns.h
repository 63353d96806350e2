// SPDX-License-Identifier: Apache-2.0
// What the filter looks for.
#pragma once

#include <array>
#include <string_view>

namespace l7_filter {

inline constexpr std::array<std::string_view, 6> patterns{
    "/etc/passwd", "../../", "<script", "' OR '1'='1", "${jndi:", "vbpf-forbidden",
};

}  // namespace l7_filter
