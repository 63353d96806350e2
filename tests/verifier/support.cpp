// SPDX-License-Identifier: Apache-2.0
#include "support.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include "vbpf/abi.h"

namespace vbpf::verifier::test {

Options options_for(Variant variant, uint64_t region_base) {
  Options options;
  options.variant = variant;
  options.region_base = region_base;
  uint64_t thunk = region_base + VBPF_OFF_THUNKS;
  auto add = [&](std::string name, External::Kind kind) {
    options.externals.push_back({std::move(name), thunk, kind});
    thunk += 64;
  };
  add("__x86_return_thunk", External::Kind::return_thunk);
  for (const char* reg :
       {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"})
    add(std::string("__x86_indirect_thunk_") + reg, External::Kind::branch);
#define VBPF_IMPORT(number, name, result, parameters) add(#name, External::Kind::branch);
#include "vbpf/imports.def"
#undef VBPF_IMPORT
  options.externals.push_back({VBPF_SYMBOL_HEAP_START, region_base + VBPF_OFF_HEAP, External::Kind::data});
  options.externals.push_back({VBPF_SYMBOL_HEAP_END, region_base + VBPF_OFF_WINDOW, External::Kind::data});
  return options;
}

Options options_for(Variant variant) {
  return options_for(variant, variant == Variant::kernel ? 0xffffc90000000000 : 0x100000000000);
}

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

std::string case_field(const std::filesystem::path& source, const std::string& key) {
  std::ifstream file(source);
  std::string line, prefix = "# " + key + ": ";
  while (std::getline(file, line) && line.starts_with('#')) {
    if (line.starts_with(prefix)) return line.substr(prefix.size());
  }
  return {};
}

Variant variant_named(const std::string& name) {
  return name == "sfi" ? Variant::sfi : name == "kernel" ? Variant::kernel : Variant::user;
}

std::string describe(const Result& result) {
  std::ostringstream text;
  for (const Diagnostic& d : result.diagnostics) {
    text << d.rule << ' ' << d.section << "+0x" << std::hex << d.section_offset << std::dec << ": " << d.instruction
         << ": " << d.message << '\n';
  }
  return text.str();
}

}  // namespace vbpf::verifier::test
