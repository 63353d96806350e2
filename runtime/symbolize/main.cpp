// SPDX-License-Identifier: Apache-2.0
// vbpf-symbolize VARIANT-SECTION: source lines of places in an object. Started by source_lines(), not by people.
// Descriptors: 0 the places asked for, 1 the reply, 3 the object (see launch.h, lookup.h).
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "launch.h"
#include "lookup.h"
#include "sandbox.h"

namespace {

using vbpf::symbolize::longest_line;
using vbpf::symbolize::object_fd;
using vbpf::symbolize::reply_fd;
using vbpf::symbolize::request_fd;

constexpr uint64_t reply_room = uint64_t{1} << 20;

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

std::string read_all(int fd) {
  std::string text;
  char part[4096];
  for (ssize_t size = 0; (size = read(fd, part, sizeof(part))) > 0;) text.append(part, static_cast<size_t>(size));
  return text;
}

// Writes the contents of the object's variant section to `variant`. False if there is no such section, or more.
bool extract(std::string_view wanted, int variant) {
  Elf* elf = elf_begin(object_fd, ELF_C_READ_MMAP_PRIVATE, nullptr);
  size_t names = 0;
  if (elf == nullptr || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) != 0) return false;
  Elf_Scn* found = nullptr;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) return false;
    const char* name = elf_strptr(elf, names, header.sh_name);
    if (name == nullptr || name != wanted) continue;
    if (found != nullptr) return false;
    found = section;
  }
  const Elf_Data* data = found != nullptr ? elf_rawdata(found, nullptr) : nullptr;
  return data != nullptr && data->d_buf != nullptr &&
         write_all(variant, {static_cast<char*>(data->d_buf), data->d_size});
}

bool is_elf(int fd) {
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP_PRIVATE, nullptr);
  const bool yes = elf != nullptr && elf_kind(elf) == ELF_K_ELF;
  elf_end(elf);
  return yes;
}

int no_debug_file(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word, char**) {
  return -1;
}

const Dwfl_Callbacks callbacks = {.find_elf = nullptr,
                                  .find_debuginfo = no_debug_file,
                                  .section_address = dwfl_offline_section_address,
                                  .debuginfo_path = nullptr};

// Addresses that libdwfl laid the sections out at; those whose name is there twice have none.
std::map<std::string, GElf_Addr, std::less<>> section_addresses(Dwfl_Module* module) {
  std::map<std::string, GElf_Addr, std::less<>> addresses;
  constexpr auto none = static_cast<GElf_Addr>(-1);
  GElf_Addr bias = 0;
  Elf* elf = dwfl_module_getelf(module, &bias);
  size_t names = 0;
  if (elf == nullptr || elf_getshdrstrndx(elf, &names) != 0) return addresses;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || (header.sh_flags & SHF_ALLOC) == 0) continue;
    const char* name = elf_strptr(elf, names, header.sh_name);
    if (name == nullptr) continue;
    const auto [place, fresh] = addresses.try_emplace(name, header.sh_addr + bias);
    if (!fresh) place->second = none;
  }
  std::erase_if(addresses, [](const auto& entry) { return entry.second == none; });
  return addresses;
}

// A row of the line tables with the addresses it holds for.
struct Row {
  Dwarf_Addr begin = 0, end = 0;
  Dwarf_Line* line = nullptr;
};

// The rows of all units, by address. Not libdwfl's own lookup: it wants .debug_aranges, which Clang does not write.
std::vector<Row> line_rows(Dwfl_Module* module) {
  std::vector<Row> rows;
  Dwarf_Addr bias = 0;
  for (Dwarf_Die* unit = nullptr; (unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr;) {
    Dwarf_Lines* lines = nullptr;
    size_t count = 0;
    if (dwarf_getsrclines(unit, &lines, &count) != 0) continue;
    for (size_t i = 0; i + 1 < count; ++i) {
      Dwarf_Line* line = dwarf_onesrcline(lines, i);
      Row row{0, 0, line};
      bool ends = false;
      if (dwarf_lineendsequence(line, &ends) != 0 || ends || dwarf_lineaddr(line, &row.begin) != 0 ||
          dwarf_lineaddr(dwarf_onesrcline(lines, i + 1), &row.end) != 0 || row.end <= row.begin) {
        continue;
      }
      row.begin += bias;
      row.end += bias;
      rows.push_back(row);
    }
  }
  std::ranges::sort(rows, {}, &Row::begin);
  return rows;
}

std::string describe(const std::vector<Row>& rows, GElf_Addr address) {
  const auto after = std::ranges::upper_bound(rows, address, {}, &Row::begin);
  if (after == rows.begin() || address >= std::prev(after)->end) return "";
  Dwarf_Line* line = std::prev(after)->line;
  int number = 0;
  const char* path = dwarf_linesrc(line, nullptr, nullptr);
  if (path == nullptr || dwarf_lineno(line, &number) != 0 || number <= 0) return "";
  std::string name = path;
  name.erase(0, name.rfind('/') + 1);
  const std::string suffix = ":" + std::to_string(number);
  if (name.empty()) return "";
  if (name.size() + suffix.size() > longest_line) name.resize(longest_line - suffix.size());
  std::ranges::replace(name, '\n', '?');
  return name + suffix;
}

// One line for each line of the request.
std::string answer(std::string_view request, Dwfl_Module* module) {
  const auto sections = section_addresses(module);
  const std::vector<Row> rows = line_rows(module);
  std::string reply;
  while (!request.empty()) {
    const std::string line(request.substr(0, request.find('\n')));
    request.remove_prefix(std::min(line.size() + 1, request.size()));
    char* rest = nullptr;
    const uint64_t offset = strtoull(line.c_str(), &rest, 16);
    const auto section = *rest == ' ' ? sections.find(std::string_view(rest + 1)) : sections.end();
    if (section != sections.end()) reply += describe(rows, section->second + offset);
    reply += '\n';
  }
  return reply;
}

}  // namespace

int main(int argc, char** argv) {
  struct stat object{};
  if (argc != 2 || fstat(object_fd, &object) != 0) return 1;
  const int variant = memfd_create("vbpf-variant", MFD_CLOEXEC);
  if (variant < 0 || elf_version(EV_CURRENT) == EV_NONE) return 1;
  if (!vbpf::symbolize::enter_sandbox(static_cast<uint64_t>(object.st_size) + reply_room)) return 1;

  // An object without that section is itself the variant, as for the verifier.
  const int file = *argv[1] != '\0' && extract(argv[1], variant) ? variant : object_fd;
  if (!is_elf(file)) return 1;
  Dwfl* dwfl = dwfl_begin(&callbacks);
  if (dwfl == nullptr) return 1;
  Dwfl_Module* module = dwfl_report_offline(dwfl, "object", "object", file);
  if (module == nullptr || dwfl_report_end(dwfl, nullptr, nullptr) != 0) return 1;
  const bool written = write_all(reply_fd, answer(read_all(request_fd), module));
  // Nothing is freed: the less is done with what was read, the better.
  _exit(written ? 0 : 1);
}
