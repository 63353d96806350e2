// SPDX-License-Identifier: Apache-2.0
// std::chrono::steady_clock.
#include <vbpf/vbpf.h>

#include <chrono>

namespace std {
inline namespace __1 {
namespace chrono {

steady_clock::time_point steady_clock::now() noexcept {
  return time_point(nanoseconds(static_cast<long long>(vbpf_ktime_get_ns())));
}

}  // namespace chrono
}  // namespace __1
}  // namespace std
