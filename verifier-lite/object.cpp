// SPDX-License-Identifier: Apache-2.0
// Reads the ELF structures. A small reader of our own, because what must hold here (nothing read outside the file,
// memory and time linear in its size whatever the fields say) is easier to see in four structures than to prove of a
// library.
#include "object.h"

#include <elf.h>

#include <algorithm>
#include <bit>

#include "diagnostics.h"

namespace vbpf::verifier {
namespace {

using Bytes = std::span<const std::byte>;

// Notes of LLVM to a linker, never loaded.
constexpr uint32_t sht_llvm_linker_options = 0x6fff4c01;
constexpr uint32_t sht_llvm_addrsig = 0x6fff4c03;
constexpr uint32_t sht_llvm_dependent_libraries = 0x6fff4c04;
constexpr uint32_t sht_llvm_call_graph_profile = 0x6fff4c09;
constexpr uint32_t sht_x86_64_unwind = 0x70000001;
constexpr uint64_t shf_gnu_retain = 0x200000;
constexpr uint64_t max_align = 4096;
// Names may overlap in the string table, and are copied into the image: together they may not be longer than this many
// times the file.
constexpr uint64_t name_budget_factor = 5;

class ObjectReader {
 public:
  ObjectReader(Bytes file, Reporter& reporter, Object& object) : file_(file), reporter_(reporter), object_(object) {}

  bool read() {
    object_.file = file_;
    name_budget_ = name_budget_factor * file_.size();
    return header() && sections() && section_names() && no_overlap() && tables() && symbols();
  }

 private:
  bool fail(std::string_view rule, Place place, const std::string& message, std::string hint) {
    reporter_.add(rule, place, message, std::move(hint));
    return false;
  }
  bool fail_file(const std::string& message) {
    return fail("object-header", {}, message, "compile it again with vbpf-clang++ or clang -c");
  }

  bool header() {
    if (!read_at(file_, 0, header_)) return fail_file("the file is too short to be an ELF object");
    if (__builtin_memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) return fail_file("the file is not an ELF object");
    if (header_.e_ident[EI_CLASS] != ELFCLASS64 || header_.e_ident[EI_DATA] != ELFDATA2LSB)
      return fail_file("the object is not 64-bit little-endian ELF");
    if (header_.e_ident[EI_VERSION] != EV_CURRENT || header_.e_version != EV_CURRENT)
      return fail_file("the object's ELF version is unknown");
    if (header_.e_ident[EI_OSABI] != ELFOSABI_NONE && header_.e_ident[EI_OSABI] != ELFOSABI_GNU)
      return fail_file("the object is for another operating system");
    if (header_.e_machine != EM_X86_64) {
      return fail("object-header", {},
                  "the object is not for x86-64 (machine " + std::to_string(header_.e_machine) + ")",
                  "compile it for x86-64 with vbpf-clang++");
    }
    if (header_.e_type != ET_REL) {
      return fail("object-header", {},
                  "the file is not a relocatable object (ELF type " + std::to_string(header_.e_type) + ")",
                  "do not link it: give the .o that vbpf-clang++ or clang -c made");
    }
    if (header_.e_ehsize != sizeof(Elf64_Ehdr) || header_.e_phnum != 0 || header_.e_flags != 0)
      return fail_file("the ELF header has fields that a relocatable object has not");
    if (header_.e_shentsize != sizeof(Elf64_Shdr)) return fail_file("the section headers have an unknown size");
    return true;
  }

  bool sections() {
    uint64_t count = header_.e_shnum;
    Elf64_Shdr first;
    if (!read_at(file_, header_.e_shoff, first)) return fail_file("the section headers lie outside the file");
    // More than 0xff00 sections: the numbers are in the null section.
    if (count == 0) count = first.sh_size;
    names_index_ = header_.e_shstrndx == SHN_XINDEX ? first.sh_link : header_.e_shstrndx;
    uint64_t room = (file_.size() - header_.e_shoff) / sizeof(Elf64_Shdr);
    if (count == 0 || count > room) return fail_file("the section headers lie outside the file");
    if (header_.e_shoff < sizeof(Elf64_Ehdr)) return fail_file("the section headers overlap the ELF header");
    table_end_ = header_.e_shoff + count * sizeof(Elf64_Shdr);
    object_.sections.reserve(count);
    object_.sections.emplace_back();
    for (uint32_t i = 1; i < count; ++i) {
      if (!section(i)) return false;
    }
    return true;
  }

  static Elf64_Shdr raw(Bytes file, uint64_t table, uint32_t index) {
    Elf64_Shdr header{};
    read_at(file, table + index * sizeof(Elf64_Shdr), header);
    return header;
  }

  bool section(uint32_t index) {
    Elf64_Shdr header = raw(file_, header_.e_shoff, index);
    Section section;
    section.type = header.sh_type;
    section.flags = header.sh_flags;
    section.size = header.sh_size;
    section.link = header.sh_link;
    section.info = header.sh_info;
    section.align = header.sh_addralign == 0 ? 1 : header.sh_addralign;
    std::string which = "section " + std::to_string(index);
    if (section.type != SHT_NOBITS && section.type != SHT_NULL) {
      if (header.sh_offset > file_.size() || file_.size() - header.sh_offset < header.sh_size)
        return fail("object-section", {}, which + " lies outside the file", "the file is damaged or truncated");
      section.bytes = file_.subspan(header.sh_offset, header.sh_size);
    }
    if (!std::has_single_bit(section.align) || section.align > max_align) {
      return fail("object-section", {}, which + " asks for an alignment of " + std::to_string(section.align),
                  "alignments are powers of two up to 4096");
    }
    object_.sections.push_back(section);
    return true;
  }

  // Names are charged to a budget as they are measured, so that no table of them can cost more than linear time or
  // memory.
  bool name_at(Bytes table, uint64_t offset, std::string_view& name) {
    if (offset >= table.size()) return offset == 0;
    const char* start = reinterpret_cast<const char*>(table.data()) + offset;
    size_t room = std::min<uint64_t>(table.size() - offset, name_budget_);
    const void* end = __builtin_memchr(start, 0, room);
    if (end == nullptr) return false;
    name = {start, static_cast<size_t>(static_cast<const char*>(end) - start)};
    name_budget_ -= name.size();
    return true;
  }

  bool section_names() {
    if (names_index_ == 0 || names_index_ >= object_.sections.size() ||
        object_.sections[names_index_].type != SHT_STRTAB)
      return fail_file("the section names are not in a string table");
    Bytes table = object_.sections[names_index_].bytes;
    for (uint32_t i = 1; i < object_.sections.size(); ++i) {
      if (!name_at(table, raw(file_, header_.e_shoff, i).sh_name, object_.sections[i].name))
        return fail("object-section", {}, "section " + std::to_string(i) + " has no valid name", "the file is damaged");
    }
    reporter_.set_object(&object_);
    for (uint32_t i = 1; i < object_.sections.size(); ++i) {
      if (!section_kind(i)) return false;
    }
    return true;
  }

  bool section_kind(uint32_t index) {
    const Section& section = object_.sections[index];
    constexpr uint64_t known_flags = SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR | SHF_MERGE | SHF_STRINGS | SHF_INFO_LINK |
                                     SHF_LINK_ORDER | SHF_GROUP | SHF_EXCLUDE | SHF_TLS | SHF_COMPRESSED |
                                     shf_gnu_retain;
    if (section.flags & SHF_TLS)
      return fail("object-section", {index, 0}, "thread-local storage is not available",
                  "use a global or a map, not thread_local");
    if (section.flags & SHF_COMPRESSED)
      return fail("object-section", {index, 0}, "the section is compressed", "compile with -gz=none");
    if (section.flags & ~known_flags)
      return fail("object-section", {index, 0}, "unknown section flags " + hex(section.flags & ~known_flags),
                  "remove the section");
    if ((section.flags & SHF_WRITE) && (section.flags & SHF_EXECINSTR))
      return fail("object-wx", {index, 0}, "the section is both writable and executable", "separate code and data");
    if ((section.flags & SHF_EXECINSTR) && (!(section.flags & SHF_ALLOC) || section.type != SHT_PROGBITS))
      return fail("object-section", {index, 0}, "an executable section that is not loaded code", "remove the section");
    switch (section.type) {
      case SHT_NULL:
      case SHT_PROGBITS:
      case SHT_SYMTAB:
      case SHT_STRTAB:
      case SHT_RELA:
      case SHT_NOBITS:
      case SHT_NOTE:
      case SHT_INIT_ARRAY:
      case SHT_FINI_ARRAY:
      case SHT_GROUP:
      case sht_llvm_linker_options:
      case sht_llvm_addrsig:
      case sht_llvm_dependent_libraries:
      case sht_llvm_call_graph_profile:
      case sht_x86_64_unwind:
        return true;
      default:
        return fail("object-section", {index, 0}, "unknown section type " + hex(section.type), "remove the section");
    }
  }

  // No two sections share bytes of the file: memory is then bounded by its size, and no section is read as two things.
  bool no_overlap() {
    struct Range {
      uint64_t begin, end;
      uint32_t section;
    };
    std::vector<Range> ranges;
    ranges.reserve(object_.sections.size() + 1);
    ranges.push_back({0, sizeof(Elf64_Ehdr), 0});
    ranges.push_back({header_.e_shoff, table_end_, 0});
    for (uint32_t i = 1; i < object_.sections.size(); ++i) {
      const Section& section = object_.sections[i];
      if (section.bytes.empty()) continue;
      uint64_t begin = section.bytes.data() - file_.data();
      ranges.push_back({begin, begin + section.size, i});
    }
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].begin < ranges[i - 1].end) {
        uint32_t section = ranges[i].section != 0 ? ranges[i].section : ranges[i - 1].section;
        return fail("object-overlap", {section, 0}, "the section overlaps another part of the file",
                    "the file is damaged");
      }
    }
    return true;
  }

  // Sections that are tables: their links and sizes.
  bool tables() {
    for (uint32_t i = 1; i < object_.sections.size(); ++i) {
      const Section& section = object_.sections[i];
      Elf64_Shdr header = raw(file_, header_.e_shoff, i);
      if (section.type == SHT_SYMTAB) {
        if (object_.symbol_table != 0)
          return fail("object-symbol", {i, 0}, "a second symbol table", "the file is damaged");
        object_.symbol_table = i;
        if (header.sh_entsize != sizeof(Elf64_Sym) || section.size % sizeof(Elf64_Sym) != 0 ||
            !is_table(section.link, SHT_STRTAB))
          return fail("object-symbol", {i, 0}, "the symbol table is malformed", "the file is damaged");
      }
      if (section.type == SHT_GROUP && !group(section))
        return fail("object-group", {i, 0}, "the section group is malformed", "the file is damaged");
    }
    for (uint32_t i = 1; i < object_.sections.size(); ++i) {
      const Section& section = object_.sections[i];
      if (section.type != SHT_RELA) continue;
      if (raw(file_, header_.e_shoff, i).sh_entsize != rela_size || section.size % rela_size != 0 ||
          section.info == 0 || section.info >= object_.sections.size() || object_.symbol_table == 0 ||
          section.link != object_.symbol_table || (section.flags & SHF_ALLOC))
        return fail("object-relocation", {i, 0}, "the relocation section is malformed", "the file is damaged");
    }
    return true;
  }

  bool is_table(uint32_t index, uint32_t type) const {
    return index != 0 && index < object_.sections.size() && object_.sections[index].type == type;
  }

  // The linker has already chosen among equal groups; a group left in one object is just its members.
  bool group(const Section& section) const {
    uint32_t word = 0;
    if (section.size % sizeof(word) != 0 || !read_at(section.bytes, 0, word) || (word & ~uint32_t{GRP_COMDAT}) != 0)
      return false;
    for (uint64_t offset = sizeof(word); offset < section.size; offset += sizeof(word)) {
      if (!read_at(section.bytes, offset, word) || word == 0 || word >= object_.sections.size()) return false;
    }
    return true;
  }

  bool symbols() {
    object_.symbols.reserve(1);
    object_.symbols.emplace_back();
    if (object_.symbol_table == 0) return true;
    const Section& table = object_.sections[object_.symbol_table];
    size_t count = table.size / sizeof(Elf64_Sym);
    object_.symbols.reserve(std::max<size_t>(count, 1));
    for (size_t i = 1; i < count; ++i) {
      if (!symbol(i)) return false;
    }
    return true;
  }

  bool symbol(size_t index) {
    const Section& table = object_.sections[object_.symbol_table];
    Place here{object_.symbol_table, index * sizeof(Elf64_Sym)};
    Elf64_Sym raw_symbol;
    if (!read_at(table.bytes, here.offset, raw_symbol)) return false;
    ElfSymbol symbol;
    symbol.value = raw_symbol.st_value;
    symbol.size = raw_symbol.st_size;
    symbol.type = ELF64_ST_TYPE(raw_symbol.st_info);
    symbol.bind = ELF64_ST_BIND(raw_symbol.st_info);
    if (!name_at(object_.sections[table.link].bytes, raw_symbol.st_name, symbol.name))
      return fail("object-symbol", here, "the symbol has no valid name", "the file is damaged");
    auto refuse = [&](std::string_view what, std::string hint) {
      return fail("object-symbol", here, "symbol '" + printable(symbol.name) + "' " + std::string(what),
                  std::move(hint));
    };
    if (symbol.type == STT_TLS) return refuse("is thread-local", "use a global or a map, not thread_local");
    if (symbol.type == STT_GNU_IFUNC) return refuse("is chosen at run time (ifunc)", "call one version");
    if (raw_symbol.st_shndx == SHN_COMMON || symbol.type == STT_COMMON)
      return refuse("is a common symbol", "compile with -fno-common");
    if (symbol.type > STT_FILE || symbol.bind > STB_WEAK || (raw_symbol.st_other & ~3) != 0)
      return refuse("has an unknown type, binding or visibility", "remove the symbol");
    if (raw_symbol.st_shndx == SHN_ABS) {
      symbol.absolute = true;
    } else if (raw_symbol.st_shndx != SHN_UNDEF) {
      if (raw_symbol.st_shndx >= object_.sections.size() || raw_symbol.st_shndx >= SHN_LORESERVE)
        return refuse("is in a section that does not exist", "the file is damaged, or has too many sections");
      symbol.section = raw_symbol.st_shndx;
      const Section& section = object_.sections[symbol.section];
      if (section.name.size() > name_budget_)
        return refuse("and its section have names out of all proportion", "the file is damaged");
      name_budget_ -= section.name.size();
      uint64_t size = section.size;
      if (symbol.value > size || size - symbol.value < symbol.size)
        return refuse("lies outside its section", "the file is damaged");
    }
    object_.symbols.push_back(symbol);
    return true;
  }

  Bytes file_;
  Reporter& reporter_;
  Object& object_;
  Elf64_Ehdr header_{};
  uint32_t names_index_ = 0;
  uint64_t table_end_ = 0;
  uint64_t name_budget_ = 0;
};

}  // namespace

bool read_object(Bytes file, Reporter& reporter, Object& object) { return ObjectReader(file, reporter, object).read(); }

Rela relocation_at(const Section& section, size_t index) {
  Elf64_Rela raw{};
  read_at(section.bytes, index * rela_size, raw);
  return {raw.r_offset, static_cast<uint32_t>(ELF64_R_TYPE(raw.r_info)), static_cast<uint32_t>(ELF64_R_SYM(raw.r_info)),
          raw.r_addend};
}

}  // namespace vbpf::verifier
