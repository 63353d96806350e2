// SPDX-License-Identifier: Apache-2.0
// The speed of verify(): reading, linking and checking an object, in bytes of code per second. The code is what the
// tests of the C++ library compile to: all of it, and a part of a little more than 64 KiB.
//
//   verify_bench [Google Benchmark's options]
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "vbpf/abi.h"
#include "vbpf/verifier.h"

namespace {

namespace verifier = vbpf::verifier;

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "verify_bench: %s\n", message.c_str());
  std::exit(1);
}

std::vector<char> read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string("cannot read ") + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Thunks and imports, 16 bytes each, as a loader would place them.
verifier::Options options_for(verifier::Variant variant) {
  using Kind = verifier::External::Kind;
  verifier::Options options;
  options.variant = variant;
  uint64_t address = options.region_base + VBPF_OFF_THUNKS;
  auto add = [&](const std::string& name, Kind kind) {
    options.externals.push_back({name, address, kind}), address += 16;
  };
  add("__x86_return_thunk", Kind::return_thunk);
  for (const char* name :
       {"rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"})
    add(std::string("__x86_indirect_thunk_") + name, Kind::branch);
#define VBPF_IMPORT(number, name, result, parameters) add(#name, Kind::branch);
#include "vbpf/imports.def"
#undef VBPF_IMPORT
  const uint64_t heap = options.region_base + VBPF_OFF_HEAP;
  options.externals.push_back({VBPF_SYMBOL_HEAP_START, heap, Kind::data});
  options.externals.push_back({VBPF_SYMBOL_HEAP_END, heap + VBPF_HEAP_SIZE_DEFAULT, Kind::data});
  return options;
}

// Bytes of code, without the traps that fill the last page.
size_t code_size(const verifier::Image& image) {
  const std::vector<std::byte>& text = image.segments.front().bytes;
  const auto last = std::find_if(text.rbegin(), text.rend(), [](std::byte value) { return value != std::byte{0xcc}; });
  return static_cast<size_t>(text.rend() - last);
}

void verify(benchmark::State& state, const char* path, verifier::Variant variant) {
  const std::vector<char> object = read_file(path);
  const verifier::Options options = options_for(variant);
  size_t size = 0, instructions = 0;
  for (auto _ : state) {
    const verifier::Result result = verifier::verify(std::as_bytes(std::span(object)), options);
    if (!result.image) fail(std::string(path) + ": refused: " + result.diagnostics.front().message);
    state.PauseTiming();
    size = code_size(*result.image), instructions = result.image->instructions;
    state.ResumeTiming();
  }
  state.SetBytesProcessed(static_cast<int64_t>(size * state.iterations()));
  state.counters["code_bytes"] = static_cast<double>(size);
  state.counters["instructions"] = static_cast<double>(instructions);
}

BENCHMARK_CAPTURE(verify, large_user, VBPF_LARGE_OBJECT, verifier::Variant::user)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(verify, large_sfi, VBPF_LARGE_OBJECT, verifier::Variant::sfi)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(verify, 64k_user, VBPF_64K_OBJECT, verifier::Variant::user)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(verify, 64k_sfi, VBPF_64K_OBJECT, verifier::Variant::sfi)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
