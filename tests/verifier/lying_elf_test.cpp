// SPDX-License-Identifier: Apache-2.0
// Objects whose fields lie. Whatever they say: an answer, in time and memory linear in the size of the file.
#include <elf.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>

#include "memory_meter.h"
#include "recheck.h"
#include "support.h"

namespace vbpf::verifier::test {
namespace {

using Bytes = std::vector<std::byte>;

// What a verifier of an empty file may use: strings of diagnostics, the table of externals, rounding up to pages.
constexpr size_t constant_memory = 96 << 10;

Bytes everything() { return read_file(std::filesystem::path(VBPF_OBJECTS) / "everything.o"); }

template <typename T>
T get(const Bytes& object, size_t offset) {
  T value;
  std::memcpy(&value, object.data() + offset, sizeof(T));
  return value;
}
template <typename T>
void put(Bytes& object, size_t offset, const T& value) {
  std::memcpy(object.data() + offset, &value, sizeof(T));
}

// The answer to a hostile file, with everything that always holds asserted.
Result answer(const Bytes& object, Variant variant = Variant::user) {
  Options options = options_for(variant);
  start_metering();
  auto start = std::chrono::steady_clock::now();
  // A copy of exact size on the heap: a read beyond it is found by the sanitizer.
  Result result = verify(std::span(object.data(), object.size()), options);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  size_t peak = peak_bytes();
  EXPECT_LE(peak, 16 * object.size() + constant_memory);
  EXPECT_LT(took.count(), 2 + 1e-5 * static_cast<double>(object.size()));
  EXPECT_NE(result.image.has_value(), !result.diagnostics.empty());
  for (const Diagnostic& diagnostic : result.diagnostics) {
    EXPECT_NE(diagnostic.rule, "internal");
    EXPECT_LT(diagnostic.message.size(), 2000u);
  }
  if (result.image) {
    EXPECT_EQ(recheck(*result.image, options), "");
  }
  return result;
}

std::string rule_of(const Result& result) {
  return result.diagnostics.empty() ? "accepted" : result.diagnostics[0].rule;
}

struct Field {
  size_t offset, width;
  const char* what;
};

// Every field of every header and table entry.
std::vector<Field> all_fields(const Bytes& object) {
  std::vector<Field> fields;
  auto add = [&](size_t base, std::initializer_list<size_t> widths, const char* what) {
    for (size_t width : widths) {
      fields.push_back({base, width, what});
      base += width;
    }
  };
  auto header = get<Elf64_Ehdr>(object, 0);
  add(0, {4, 1, 1, 1, 1, 1, 7, 2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2}, "ELF header");
  for (size_t i = 0; i < header.e_shnum; ++i) {
    size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    add(at, {4, 4, 8, 8, 8, 8, 4, 4, 8, 8}, "section header");
    auto section = get<Elf64_Shdr>(object, at);
    if (section.sh_type == SHT_SYMTAB) {
      for (size_t s = 0; s < section.sh_size; s += sizeof(Elf64_Sym))
        add(section.sh_offset + s, {4, 1, 1, 2, 8, 8}, "symbol");
    }
    if (section.sh_type == SHT_RELA) {
      for (size_t r = 0; r < section.sh_size; r += sizeof(Elf64_Rela))
        add(section.sh_offset + r, {8, 4, 4, 8}, "relocation");
    }
    if (section.sh_type == SHT_GROUP) {
      for (size_t w = 0; w < section.sh_size; w += 4) add(section.sh_offset + w, {4}, "group");
    }
  }
  return fields;
}

TEST(LyingElf, EveryFieldAtEveryExtreme) {
  const Bytes good = everything();
  uint64_t size = good.size();
  const uint64_t extremes[] = {0,          1,          2,          7,          0x3f,       0x7f,    0xff,
                               0x100,      0xfff1,     0xfff2,     0xfff3,     0xffff,     0x10000, 0x7fffffff,
                               0x80000000, 0xffffffff, 1ull << 32, 1ull << 47, 1ull << 63, ~0ull,   ~0ull - 7,
                               size - 1,   size,       size + 1,   size / 2,   0 - size,   4095};
  size_t refused = 0, tried = 0;
  for (const Field& field : all_fields(good)) {
    for (uint64_t extreme : extremes) {
      Bytes bad = good;
      std::memcpy(bad.data() + field.offset, &extreme, std::min<size_t>(field.width, 8));
      if (bad == good) continue;
      SCOPED_TRACE(std::string(field.what) + " at " + std::to_string(field.offset) + " = " + std::to_string(extreme));
      Result result = answer(bad);
      refused += !result.image;
      ++tried;
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(tried, 10000u);
  EXPECT_GT(refused, tried / 2);  // many fields do not matter (names, unused addresses), most do
}

TEST(LyingElf, EveryBitFlipped) {
  const Bytes good = everything();
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[at] ^= std::byte(1 << bit);
      SCOPED_TRACE("bit " + std::to_string(bit) + " of byte " + std::to_string(at));
      answer(bad);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(LyingElf, TruncatedAtEveryLength) {
  const Bytes good = everything();
  for (size_t length = 0; length < good.size(); ++length) {
    SCOPED_TRACE(length);
    Bytes bad(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_FALSE(answer(bad).image);
    if (testing::Test::HasFailure()) return;
  }
}

// Edits the section header whose type and index among its type are given.
Bytes with_section(uint32_t type, const std::function<void(Elf64_Shdr&, Bytes&)>& edit, int nth = 0) {
  Bytes object = everything();
  auto header = get<Elf64_Ehdr>(object, 0);
  for (size_t i = 1; i < header.e_shnum; ++i) {
    size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    auto section = get<Elf64_Shdr>(object, at);
    if (section.sh_type != type || nth-- > 0) continue;
    edit(section, object);
    put(object, at, section);
    return object;
  }
  ADD_FAILURE() << "no such section";
  return object;
}

TEST(LyingElf, HeaderOfSomethingElse) {
  EXPECT_EQ(rule_of(answer({})), "object-header");
  auto with = [](auto edit) {
    Bytes object = everything();
    auto header = get<Elf64_Ehdr>(object, 0);
    edit(header);
    put(object, 0, header);
    return rule_of(answer(object));
  };
  EXPECT_EQ(with([](Elf64_Ehdr& h) { h.e_machine = EM_AARCH64; }), "object-header");
  EXPECT_EQ(with([](Elf64_Ehdr& h) { h.e_type = ET_DYN; }), "object-header");
  EXPECT_EQ(with([](Elf64_Ehdr& h) { h.e_ident[EI_CLASS] = ELFCLASS32; }), "object-header");
  EXPECT_EQ(with([](Elf64_Ehdr& h) { h.e_ident[EI_DATA] = ELFDATA2MSB; }), "object-header");
  EXPECT_EQ(with([](Elf64_Ehdr& h) { h.e_shoff = 0; }), "object-header");
  EXPECT_EQ(with([](Elf64_Ehdr& h) { h.e_shnum = 0xfeff; }), "object-header");
  EXPECT_EQ(with([](Elf64_Ehdr& h) { h.e_shstrndx = 0; }), "object-header");
}

TEST(LyingElf, HugeCounts) {
  Bytes object = everything();
  auto header = get<Elf64_Ehdr>(object, 0);
  header.e_shnum = 0;  // then the count is in the null section
  put(object, 0, header);
  auto null_section = get<Elf64_Shdr>(object, header.e_shoff);
  null_section.sh_size = 1ull << 40;
  put(object, header.e_shoff, null_section);
  EXPECT_EQ(rule_of(answer(object)), "object-header");
  for (uint32_t type : {SHT_SYMTAB, SHT_RELA, SHT_STRTAB, SHT_PROGBITS, SHT_GROUP})
    EXPECT_FALSE(answer(with_section(type, [](Elf64_Shdr& s, Bytes&) { s.sh_size = 1ull << 40; })).image);
  EXPECT_EQ(rule_of(answer(with_section(SHT_NOBITS, [](Elf64_Shdr& s, Bytes&) { s.sh_size = 1ull << 40; }))),
            "layout-size");
}

TEST(LyingElf, MemoryThatIsNotInTheFileIsNotAllocated) {
  Bytes object = with_section(SHT_NOBITS, [](Elf64_Shdr& s, Bytes&) { s.sh_size = 100 << 20; });
  Result result = answer(object);
  ASSERT_TRUE(result.image) << describe(result);
  EXPECT_GE(result.image->segments.back().size, 100u << 20);
  object = with_section(SHT_NOBITS, [](Elf64_Shdr& s, Bytes&) { s.sh_size = 129 << 20; });
  EXPECT_EQ(rule_of(answer(object)), "layout-size");
}

TEST(LyingElf, Overlaps) {
  // The symbol table over the section names, code over code, a section over the header and over the section headers.
  EXPECT_EQ(rule_of(answer(with_section(SHT_PROGBITS, [](Elf64_Shdr& s, Bytes&) { s.sh_offset = 0; }))),
            "object-overlap");
  EXPECT_EQ(rule_of(answer(with_section(SHT_PROGBITS,
                                        [](Elf64_Shdr& s, Bytes& o) { s.sh_offset = get<Elf64_Ehdr>(o, 0).e_shoff; }))),
            "object-overlap");
  EXPECT_EQ(rule_of(answer(with_section(SHT_PROGBITS, [](Elf64_Shdr& s, Bytes&) { s.sh_offset += s.sh_size; }))),
            "object-overlap");
  EXPECT_EQ(rule_of(answer(with_section(SHT_RELA, [](Elf64_Shdr& s, Bytes&) { s.sh_offset += 24; }))),
            "object-overlap");
}

TEST(LyingElf, TablesThatPointAtOneAnother) {
  EXPECT_EQ(rule_of(answer(with_section(SHT_RELA, [](Elf64_Shdr& s, Bytes&) { s.sh_link = s.sh_info; }))),
            "object-relocation");
  EXPECT_EQ(rule_of(answer(with_section(SHT_RELA, [](Elf64_Shdr& s, Bytes&) { s.sh_info = 0xffffffff; }))),
            "object-relocation");
  EXPECT_EQ(rule_of(answer(with_section(SHT_SYMTAB, [](Elf64_Shdr& s, Bytes&) { s.sh_entsize = 0; }))),
            "object-symbol");
  EXPECT_EQ(rule_of(answer(with_section(SHT_GROUP, [](Elf64_Shdr& s, Bytes& o) { put(o, s.sh_offset + 4, 0xffffu); }))),
            "object-group");
  // Two tables of relocations for one section.
  uint32_t first_target = 0;
  with_section(SHT_RELA, [&](Elf64_Shdr& s, Bytes&) { first_target = s.sh_info; });
  EXPECT_FALSE(answer(with_section(SHT_RELA, [&](Elf64_Shdr& s, Bytes&) { s.sh_info = first_target; }, 1)).image);
}

TEST(LyingElf, EntriesOfOneName) {
  Bytes object = with_section(SHT_SYMTAB, [](Elf64_Shdr& s, Bytes& o) {
    uint32_t name = 0;
    for (size_t at = s.sh_offset; at < s.sh_offset + s.sh_size; at += sizeof(Elf64_Sym)) {
      auto symbol = get<Elf64_Sym>(o, at);
      if (symbol.st_info != ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)) continue;
      if (name == 0) name = symbol.st_name;
      symbol.st_name = name;
      put(o, at, symbol);
    }
  });
  EXPECT_EQ(rule_of(answer(object)), "entry-name");
}

// everything.o with `count` more symbols of this kind, each of its own name, at its first entry.
Bytes with_symbols(size_t count, unsigned char info) {
  size_t old_names = 0;
  Bytes object = with_section(SHT_STRTAB, [&](Elf64_Shdr& s, Bytes& o) {
    Bytes table(o.begin() + static_cast<ptrdiff_t>(s.sh_offset),
                o.begin() + static_cast<ptrdiff_t>(s.sh_offset + s.sh_size));
    old_names = table.size();
    for (size_t i = 0; i < count; ++i) {
      for (char digit : std::to_string(i + 1000000)) table.push_back(std::byte(digit));
      table.push_back(std::byte{0});
    }
    s.sh_offset = o.size();
    s.sh_size = table.size();
    o.insert(o.end(), table.begin(), table.end());
  });
  auto header = get<Elf64_Ehdr>(object, 0);
  for (size_t i = 1; i < header.e_shnum; ++i) {
    size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    auto section = get<Elf64_Shdr>(object, at);
    if (section.sh_type != SHT_SYMTAB) continue;
    Bytes table(object.begin() + static_cast<ptrdiff_t>(section.sh_offset),
                object.begin() + static_cast<ptrdiff_t>(section.sh_offset + section.sh_size));
    size_t first = 0;
    while (get<Elf64_Sym>(table, first).st_info != ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)) first += sizeof(Elf64_Sym);
    auto entry = get<Elf64_Sym>(table, first);
    entry.st_info = info;
    size_t next = table.size();
    table.resize(next + count * sizeof(Elf64_Sym));
    for (size_t n = 0; n < count; ++n) {
      entry.st_name = static_cast<Elf64_Word>(old_names + 8 * n);
      put(table, next + n * sizeof(Elf64_Sym), entry);
    }
    section.sh_offset = object.size();
    section.sh_size = table.size();
    object.insert(object.end(), table.begin(), table.end());
    put(object, at, section);
    break;
  }
  return object;
}

TEST(LyingElf, ManySymbolsAndEntries) {
  EXPECT_TRUE(answer(with_symbols(100000, ELF64_ST_INFO(STB_LOCAL, STT_FUNC))).image);
  constexpr unsigned char global_function = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
  EXPECT_TRUE(answer(with_symbols(1000, global_function)).image);
  Result result = answer(with_symbols(1100, global_function));
  EXPECT_EQ(rule_of(result), "entry-name");
  EXPECT_NE(describe(result).find("more than 1024"), std::string::npos);
}

// A table of constructors that is most of the file, and says nothing true.
TEST(LyingElf, ManyConstructors) {
  constexpr size_t count = 100000;
  Bytes object = with_section(SHT_INIT_ARRAY, [](Elf64_Shdr& s, Bytes& o) {
    Options options = options_for(Variant::user);
    s.sh_offset = (o.size() + 7) & ~7ull;
    s.sh_size = 8 * count;
    o.resize(s.sh_offset + s.sh_size);
    for (size_t i = 0; i < count; ++i) put(o, s.sh_offset + 8 * i, options.region_base + 0x100000);
  });
  Result result = answer(object);
  EXPECT_TRUE(result.image) << describe(result);
}

// Many symbols that share one long name would make names out of proportion to the file: quadratic memory.
TEST(LyingElf, NamesCostNoMoreThanTheFile) {
  Bytes object = everything();
  size_t strings = object.size();
  constexpr size_t name_length = 1 << 16, symbol_count = 1 << 13;
  object.resize(strings + name_length, std::byte{'x'});
  object.back() = std::byte{0};
  size_t symbols = object.size();
  object.resize(symbols + symbol_count * sizeof(Elf64_Sym));
  for (size_t i = 1; i < symbol_count; ++i)
    put(object, symbols + i * sizeof(Elf64_Sym),
        Elf64_Sym{.st_name = static_cast<Elf64_Word>(i % 100),
                  .st_info = 0,
                  .st_other = 0,
                  .st_shndx = 1,
                  .st_value = 0,
                  .st_size = 0});
  auto header = get<Elf64_Ehdr>(object, 0);
  for (size_t i = 1; i < header.e_shnum; ++i) {
    size_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    auto section = get<Elf64_Shdr>(object, at);
    if (section.sh_type != SHT_SYMTAB) continue;
    size_t names = header.e_shoff + section.sh_link * sizeof(Elf64_Shdr);
    section.sh_offset = symbols;
    section.sh_size = symbol_count * sizeof(Elf64_Sym);
    put(object, at, section);
    // Of everything.o, section names and symbol names share one table: keep its bytes in front of the long name.
    auto table = get<Elf64_Shdr>(object, names);
    table.sh_offset = strings;
    table.sh_size = name_length;
    put(object, names, table);
  }
  EXPECT_FALSE(answer(object).image);
}

// Sections of one byte and the largest alignment.
TEST(LyingElf, PaddingCostsNoMoreThanTheFile) {
  Bytes object = everything();
  auto header = get<Elf64_Ehdr>(object, 0);
  size_t table = object.size();
  constexpr uint16_t extra = 2000;
  object.resize(table + (header.e_shnum + extra) * sizeof(Elf64_Shdr) + extra);
  std::memcpy(object.data() + table, object.data() + header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
  size_t contents = object.size() - extra;
  for (uint16_t i = 0; i < extra; ++i) {
    Elf64_Shdr section{};
    section.sh_type = SHT_PROGBITS;
    section.sh_flags = SHF_ALLOC;
    section.sh_offset = contents + i;
    section.sh_size = 1;
    section.sh_addralign = 4096;
    put(object, table + (header.e_shnum + i) * sizeof(Elf64_Shdr), section);
  }
  header.e_shoff = table;
  header.e_shnum += extra;
  put(object, 0, header);
  EXPECT_EQ(rule_of(answer(object)), "layout-size");
}

TEST(LyingElf, ABigHonestObjectKeepsTheBound) {
  Bytes object = read_file(std::filesystem::path(VBPF_OBJECTS) / "big.o");
  Result result = answer(object);
  EXPECT_TRUE(result.image) << describe(result);
  EXPECT_GT(object.size(), 1u << 20);
}

}  // namespace
}  // namespace vbpf::verifier::test
