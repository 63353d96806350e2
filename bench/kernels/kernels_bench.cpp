// SPDX-License-Identifier: Apache-2.0
// Extension code against the same source as plain native -O2: every kernel natively, as the `user` variant (unconfined,
// so that the code alone is measured) and as the `sfi` variant, interleaved in one run. Prints medians, ratios and
// their geometric means.
//
//   kernels_bench [Google Benchmark's options]     e.g. --benchmark_filter='sort|trie' --benchmark_repetitions=21
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vbpf/extension.h"

#define KERNELS(X) \
  X(hash_lookup) X(list_walk) X(sort) X(checksum) X(string_search) X(trie) X(parser) X(dispatch) X(matrix) X(bloom)
#define DECLARE(name) extern "C" uint64_t kernel_##name(uint64_t rounds);
KERNELS(DECLARE)

namespace {

struct Kernel {
  const char* name;
  uint64_t (*native)(uint64_t);
};
#define ENTRY(name) {#name, kernel_##name},
constexpr Kernel kKernels[] = {KERNELS(ENTRY)};
constexpr std::array kWays = {"native", "user", "sfi"};

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "kernels_bench: %s\n", message.c_str());
  std::exit(1);
}

// One way to run the kernels of the extension.
class Confined {
 public:
  explicit Confined(vbpf::Confinement confinement) {
    vbpf::LoadOptions options;
    options.confine = confinement;
    options.budget = std::chrono::seconds(5);
    vbpf::Result<vbpf::Extension> extension = vbpf::Extension::open(VBPF_KERNELS_OBJECT, options);
    if (!extension) fail(extension.error().message);
    vbpf::Result<std::unique_ptr<vbpf::Instance>> instance = extension->instantiate();
    if (!instance) fail(instance.error().message);
    instance_ = std::move(*instance);
  }

  uint64_t entry(const char* kernel) const {
    vbpf::Result<uint64_t> address = instance_->entry(std::string("kernel_") + kernel);
    if (!address) fail(address.error().message);
    return *address;
  }

  uint64_t call(uint64_t entry, uint64_t rounds) {
    const vbpf::Outcome outcome = instance_->call(entry, {rounds});
    if (outcome.fault) fail("fault: " + std::string(to_string(outcome.fault->kind)) + " in " + outcome.fault->symbol);
    return outcome.value;
  }

 private:
  std::unique_ptr<vbpf::Instance> instance_;
};

// So many rounds that a call takes about 200 us: crossing the gate is then below a thousandth.
uint64_t calibrate(const Kernel& kernel) {
  for (uint64_t rounds = 1;; rounds *= 2) {
    const auto begin = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(kernel.native(rounds));
    if (std::chrono::steady_clock::now() - begin > std::chrono::microseconds(200)) return rounds;
  }
}

// Collects the repetitions of every benchmark and prints one table in the end.
class RatioReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override {
    PrintBasicContext(&GetErrorStream(), context);
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration) times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
  }

  void Finalize() override {
    std::printf("%-16s %12s %8s %8s\n", "kernel", "native (us)", "user", "sfi");
    std::array<double, 2> logarithms{};
    int count = 0;
    for (const Kernel& kernel : kKernels) {
      std::array<double, 3> medians{};
      for (size_t i = 0; i < kWays.size(); ++i) medians[i] = median(std::string(kernel.name) + '/' + kWays[i]);
      if (*std::min_element(medians.begin(), medians.end()) <= 0) continue;  // filtered out
      const double user = medians[1] / medians[0], sfi = medians[2] / medians[0];
      std::printf("%-16s %12.1f %8.3f %8.3f\n", kernel.name, medians[0] / 1000, user, sfi);
      logarithms[0] += std::log(user);
      logarithms[1] += std::log(sfi);
      ++count;
    }
    if (count == 0) return;
    std::printf("%-16s %12s %8.3f %8.3f\n", "geometric mean", "", std::exp(logarithms[0] / count),
                std::exp(logarithms[1] / count));
  }

 private:
  double median(const std::string& name) {
    std::vector<double>& times = times_[name];
    if (times.empty()) return 0;
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  std::map<std::string, std::vector<double>> times_;  // nanoseconds of CPU time: other programs count less
};

template <typename Call>
void add(const Kernel& kernel, const char* way, Call call) {
  benchmark::RegisterBenchmark((std::string(kernel.name) + '/' + way).c_str(), [call](benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(call());
  });
}

void add_kernel(const Kernel& kernel, Confined& user, Confined& sfi) {
  const uint64_t user_entry = user.entry(kernel.name), sfi_entry = sfi.entry(kernel.name);
  const uint64_t expected = kernel.native(3);  // the first call of each, on the same fresh data
  if (user.call(user_entry, 3) != expected || sfi.call(sfi_entry, 3) != expected)
    fail(std::string(kernel.name) + ": the variants compute different results");
  const uint64_t rounds = calibrate(kernel);
  add(kernel, "native", [&kernel, rounds] { return kernel.native(rounds); });
  add(kernel, "user", [&user, user_entry, rounds] { return user.call(user_entry, rounds); });
  add(kernel, "sfi", [&sfi, sfi_entry, rounds] { return sfi.call(sfi_entry, rounds); });
}

}  // namespace

int main(int argc, char** argv) {
  std::string repetitions = "--benchmark_repetitions=15", interleave = "--benchmark_enable_random_interleaving=true",
              time = "--benchmark_min_time=0.02";
  std::vector<char*> arguments = {argv[0], repetitions.data(), interleave.data(), time.data()};
  arguments.insert(arguments.end(), argv + 1, argv + argc);  // the user's come last and win
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  Confined user(vbpf::Confinement::unconfined), sfi(vbpf::Confinement::sfi);
  for (const Kernel& kernel : kKernels) add_kernel(kernel, user, sfi);
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
