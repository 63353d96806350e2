// SPDX-License-Identifier: Apache-2.0
// The ELF64 relocatable object, read with every offset and count checked. Nothing is copied but the two tables below,
// whose sizes are bounded by the file's: names and contents are views into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace vbpf::verifier {

class Reporter;

struct Section {
  std::string_view name;
  uint32_t type = 0;
  uint64_t flags = 0;
  uint64_t size = 0;
  uint64_t align = 1;                // a power of two
  std::span<const std::byte> bytes;  // empty for NOBITS, else `size` bytes
  uint32_t link = 0, info = 0;
};

struct ElfSymbol {
  std::string_view name;
  uint64_t value = 0, size = 0;
  uint32_t section = 0;  // index; 0 is undefined
  uint8_t type = 0, bind = 0;
  bool absolute = false;
};

struct Object {
  std::span<const std::byte> file;
  std::vector<Section> sections;   // [0] is the null section
  std::vector<ElfSymbol> symbols;  // [0] is the null symbol
  uint32_t symbol_table = 0;       // section index, 0 if there is none
};

struct Rela {
  uint64_t offset = 0;
  uint32_t type = 0, symbol = 0;
  int64_t addend = 0;
};
constexpr size_t rela_size = 24;

// Reads header, sections and symbols. False: not usable, the reporter knows why.
bool read_object(std::span<const std::byte> file, Reporter& reporter, Object& object);

// The index-th entry of a RELA section that read_object() accepted.
Rela relocation_at(const Section& section, size_t index);

// Reads a trivially copyable T at `offset`; false if it does not lie inside.
template <typename T>
bool read_at(std::span<const std::byte> bytes, uint64_t offset, T& value) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  __builtin_memcpy(&value, bytes.data() + offset, sizeof(T));
  return true;
}

}  // namespace vbpf::verifier
