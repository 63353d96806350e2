// SPDX-License-Identifier: Apache-2.0
// What every extension may use, in C++.
#pragma once

#include <cstdint>
#include <string_view>

#include "vbpf/format.hpp"
#include "vbpf/vbpf.h"

namespace vbpf {

// One line of the extension's log: vbpf::log("got {} from {:x}", count, address). See format.hpp; 512 bytes are kept.
template <detail::Formattable... Args>
void log(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
  char room[512];
  std::string_view line = format_to(room, format, args...);
  vbpf_log_write(line.data(), line.size());
}

// Nanoseconds of a clock that only goes forward.
inline std::uint64_t time_ns() { return vbpf_ktime_get_ns(); }

// 32 random bits, not for cryptography. For distributions and shuffles: RandomBits is a generator as <random> wants it.
inline std::uint32_t random() { return vbpf_get_prandom_u32(); }

struct RandomBits {
  using result_type = std::uint32_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xffffffff; }
  result_type operator()() const { return random(); }
};

// The CPU that this call runs on.
inline std::uint32_t cpu() { return vbpf_get_smp_processor_id(); }

// Ends the invocation with a report.
[[noreturn]] inline void abort(std::string_view message) {
  vbpf_abort(VBPF_ABORT_ABORT, message.data(), message.size(), nullptr);
}

}  // namespace vbpf
