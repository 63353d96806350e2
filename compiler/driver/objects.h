// SPDX-License-Identifier: Apache-2.0
// What the driver reads in object files: sections by name, and symbols. The files come from clang and lld, or from a
// user who may give anything: reading is bounds-checked, but the verifier is what an object has to pass.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace vbpf::driver {

class ObjectFile {
 public:
  // Nothing if it cannot be read or is no ELF64 relocatable object; `why` says so.
  static std::optional<ObjectFile> open(const std::string& path, std::string& why);

  std::optional<std::string_view> section(std::string_view name) const;
  // The undefined symbols, weak ones included.
  std::set<std::string> undefined_symbols() const;
  // No code and no data of its own: made with --variant=sfi.
  bool only_carries_variants() const;

 private:
  struct Section {
    std::string_view name, bytes;
    uint32_t type = 0;
    uint64_t flags = 0;
    uint32_t link = 0;
  };
  bool parse(std::string& why);

  std::unique_ptr<const std::string> bytes_;  // behind a pointer: the views stay valid when this moves
  std::vector<Section> sections_;
};

std::optional<std::string> read_file(const std::string& path);
bool write_file(const std::string& path, std::string_view bytes);
std::string demangle(const std::string& symbol);

}  // namespace vbpf::driver
