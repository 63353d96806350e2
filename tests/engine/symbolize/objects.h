// SPDX-License-Identifier: Apache-2.0
// Objects of the build, and the places of their symbols.
#pragma once

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace objects {

using Bytes = std::vector<std::byte>;

inline Bytes read(const std::string& name) {
  std::ifstream file(std::string(VBPF_OBJECTS) + "/" + name, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

// Only for objects of this build, which are as they should be.
class Elf {
 public:
  explicit Elf(std::span<const std::byte> bytes) : bytes_(bytes), header_(at<Elf64_Ehdr>(0)) {}

  size_t count() const { return header_.e_shnum; }
  Elf64_Shdr section(size_t index) const { return at<Elf64_Shdr>(header_.e_shoff + index * sizeof(Elf64_Shdr)); }
  std::string name(size_t index) const { return text(header_.e_shstrndx, section(index).sh_name); }
  std::string text(size_t table, size_t offset) const {
    return reinterpret_cast<const char*>(bytes_.data()) + section(table).sh_offset + offset;
  }
  std::span<const std::byte> contents(std::string_view name_of) const {
    for (size_t i = 1; i < count(); ++i) {
      if (name(i) == name_of) return bytes_.subspan(section(i).sh_offset, section(i).sh_size);
    }
    return {};
  }

  struct Place {
    std::string section;
    uint64_t offset = 0, size = 0;
  };
  Place symbol(std::string_view wanted) const {
    for (size_t i = 1; i < count(); ++i) {
      const Elf64_Shdr table = section(i);
      if (table.sh_type != SHT_SYMTAB) continue;
      for (uint64_t k = 0; k < table.sh_size / sizeof(Elf64_Sym); ++k) {
        const auto symbol = at<Elf64_Sym>(table.sh_offset + k * sizeof(Elf64_Sym));
        if (text(table.sh_link, symbol.st_name) == wanted) {
          return {name(symbol.st_shndx), symbol.st_value, symbol.st_size};
        }
      }
    }
    return {};
  }

 private:
  template <typename T>
  T at(uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }

  std::span<const std::byte> bytes_;
  Elf64_Ehdr header_;
};

}  // namespace objects
