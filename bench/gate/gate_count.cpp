// SPDX-License-Identifier: Apache-2.0
// Instructions for a call into an extension and back, where the time stamp counter ticks once for each: see count-pku.
//
//   gate_count EMPTY.o pku|sfi|unconfined
#include <x86intrin.h>

#include <algorithm>
#include <cstring>

#include "gate.h"

namespace {

// Of one run of `work`; the least of many, as interrupts come in between.
template <typename Work>
uint64_t ticks(Work work) {
  uint64_t least = ~uint64_t{0};
  for (int i = 0; i < 200; ++i) {
    const uint64_t begin = __rdtsc();
    work();
    least = std::min(least, static_cast<uint64_t>(__rdtsc()) - begin);
  }
  return least;
}

void print(const char* what, const char* confinement, uint64_t instructions) {
  std::printf("%-28s %-11s %6llu instructions\n", what, confinement, static_cast<unsigned long long>(instructions));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: gate_count EMPTY.o pku|sfi|unconfined\n"), 2;
  for (const auto confinement : {vbpf::Confinement::pku, vbpf::Confinement::sfi, vbpf::Confinement::unconfined}) {
    if (to_string(confinement) != argv[2]) continue;
    const auto guest = gate::Guest::make(argv[1], confinement);
    if (!guest) return std::fprintf(stderr, "gate_count: this CPU does not have %s\n", argv[2]), 3;
    const uint64_t nothing = ticks([] {});
    print("empty call, host to host", argv[2], ticks([&] { guest->call(1); }) - nothing);
    const uint64_t one = ticks([&] { guest->call_xdp(1); }), many = ticks([&] { guest->call_xdp(65); });
    print("batch of one packet", argv[2], one - nothing);
    print("each further packet", argv[2], (many - one) / 64);
    return 0;
  }
  return std::fprintf(stderr, "gate_count: '%s' is no confinement\n", argv[2]), 2;
}
