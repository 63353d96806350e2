// SPDX-License-Identifier: Apache-2.0
// A program that calls a confined plugin: host PLUGIN.o TEXT
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "vbpf/extension.h"

namespace {

vbpf::Result<vbpf::Outcome> count_words(const char* object, std::string_view text) {
  VBPF_TRY(const vbpf::Extension plugin, vbpf::Extension::open(object, {}));
  VBPF_TRY(const auto instance, plugin.instantiate());
  VBPF_TRY(const std::span<std::byte> window,
           instance->window(std::max<size_t>(text.size(), 1)));  // memory of both sides
  VBPF_TRY(const uint64_t entry, instance->entry("count_words", "plugin"));
  std::ranges::copy(std::as_bytes(std::span(text)), window.begin());
  return instance->call(entry, {reinterpret_cast<uintptr_t>(window.data()), text.size()});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s PLUGIN.o TEXT\n", argv[0]);
    return 2;
  }
  const auto outcome = count_words(argv[1], argv[2]);
  if (!outcome) {
    std::fprintf(stderr, "%s\n", outcome.error().message.c_str());
    return 1;
  }
  if (outcome->fault) {
    std::fprintf(stderr, "the plugin failed: %s\n", outcome->fault->message.c_str());
    return 1;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(outcome->value));
  return 0;
}
