// SPDX-License-Identifier: Apache-2.0
// What entering and leaving an extension costs: an empty call from host to host beside a call through a function
// pointer, and an empty XDP entry per packet by size of the batch. Confinements that this machine does not have are
// left out.
//
//   gate_bench [Google Benchmark's options]
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "gate.h"

namespace {

__attribute__((noinline)) int native_empty(uint64_t value) { return static_cast<int>(value); }

void function_pointer(benchmark::State& state) {
  int (*volatile function)(uint64_t) = native_empty;
  uint64_t value = 0;
  for (auto _ : state) benchmark::DoNotOptimize(function(++value));
}

void call(benchmark::State& state, gate::Guest& guest) {
  uint64_t value = 0;
  for (auto _ : state) {
    ++value;
    if (guest.call(value) != (value & 0x7fffffff)) return state.SkipWithError("wrong result");
  }
}

void call_xdp(benchmark::State& state, gate::Guest& guest) {
  const auto batch = static_cast<size_t>(state.range(0));
  for (auto _ : state) guest.call_xdp(batch);
  constexpr uint32_t pass = 2;
  if (guest.verdict(0) != pass || guest.verdict(batch - 1) != pass) return state.SkipWithError("wrong verdict");
  state.counters["per_packet"] = benchmark::Counter(
      static_cast<double>(batch), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RegisterBenchmark("function_pointer", function_pointer);
  std::vector<std::unique_ptr<gate::Guest>> guests;
  for (const auto confinement : {vbpf::Confinement::unconfined, vbpf::Confinement::sfi, vbpf::Confinement::pku}) {
    auto guest = gate::Guest::make(VBPF_EMPTY_OBJECT, confinement);
    if (!guest) continue;
    guests.push_back(std::move(guest));
    gate::Guest& registered = *guests.back();
    const std::string name(to_string(confinement));
    benchmark::RegisterBenchmark(("call/" + name).c_str(), [&registered](auto& state) { call(state, registered); });
    benchmark::RegisterBenchmark(("call_xdp/" + name).c_str(),
                                 [&registered](auto& state) { call_xdp(state, registered); })
        ->Arg(1)
        ->Arg(8)
        ->Arg(64)
        ->Arg(gate::max_batch);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
