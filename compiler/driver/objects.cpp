// SPDX-License-Identifier: Apache-2.0
#include "objects.h"

#include <cxxabi.h>
#include <elf.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

namespace vbpf::driver {
namespace {

template <typename T>
bool read_at(std::string_view bytes, uint64_t offset, T& value) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return false;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return true;
}

std::string_view text_at(std::string_view table, uint64_t offset) {
  if (offset >= table.size()) return {};
  std::string_view rest = table.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

}  // namespace

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return std::nullopt;
  return bytes;
}

bool write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  return !file.fail();
}

std::string demangle(const std::string& symbol) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
                                              std::free);
  return status == 0 && name != nullptr ? std::string(name.get()) : symbol;
}

std::optional<ObjectFile> ObjectFile::open(const std::string& path, std::string& why) {
  std::optional<std::string> bytes = read_file(path);
  if (!bytes) {
    why = std::strerror(errno != 0 ? errno : EIO);
    return std::nullopt;
  }
  ObjectFile object;
  object.bytes_ = std::make_unique<const std::string>(std::move(*bytes));
  if (!object.parse(why)) return std::nullopt;
  return object;
}

bool ObjectFile::parse(std::string& why) {
  const std::string_view file = *bytes_;
  Elf64_Ehdr header;
  why = "not an ELF64 relocatable object for x86-64";
  if (!read_at(file, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_REL || header.e_machine != EM_X86_64) return false;
  why = "the object file is damaged";
  Elf64_Shdr raw;
  if (!read_at(file, header.e_shoff, raw)) return false;
  uint64_t count = header.e_shnum != 0 ? header.e_shnum : raw.sh_size;
  uint64_t names_index = header.e_shstrndx != SHN_XINDEX ? header.e_shstrndx : raw.sh_link;
  if (count > file.size() / sizeof(raw)) return false;
  std::vector<uint32_t> names;
  for (uint64_t i = 0; i < count; ++i) {
    if (!read_at(file, header.e_shoff + i * sizeof(raw), raw)) return false;
    Section section{.name = {}, .bytes = {}, .type = raw.sh_type, .flags = raw.sh_flags, .link = raw.sh_link};
    if (raw.sh_type != SHT_NOBITS && raw.sh_type != SHT_NULL) {
      if (raw.sh_offset > file.size() || file.size() - raw.sh_offset < raw.sh_size) return false;
      section.bytes = file.substr(raw.sh_offset, raw.sh_size);
    }
    sections_.push_back(section);
    names.push_back(raw.sh_name);
  }
  if (names_index >= count) return false;
  for (uint64_t i = 0; i < count; ++i) sections_[i].name = text_at(sections_[names_index].bytes, names[i]);
  return true;
}

std::optional<std::string_view> ObjectFile::section(std::string_view name) const {
  for (const Section& section : sections_) {
    if (section.name == name) return section.bytes;
  }
  return std::nullopt;
}

std::set<std::string> ObjectFile::undefined_symbols() const {
  std::set<std::string> result;
  for (const Section& section : sections_) {
    if (section.type != SHT_SYMTAB || section.link >= sections_.size()) continue;
    Elf64_Sym symbol;
    for (uint64_t at = sizeof(symbol); read_at(section.bytes, at, symbol); at += sizeof(symbol)) {
      if (symbol.st_shndx == SHN_UNDEF && symbol.st_name != 0)
        result.emplace(text_at(sections_[section.link].bytes, symbol.st_name));
    }
  }
  return result;
}

bool ObjectFile::only_carries_variants() const {
  for (const Section& section : sections_) {
    if ((section.flags & SHF_ALLOC) && !section.bytes.empty()) return false;
  }
  return true;
}

}  // namespace vbpf::driver
