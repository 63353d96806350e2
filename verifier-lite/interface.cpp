// SPDX-License-Identifier: Apache-2.0
// What the host may enter: the functions in sections named for a hook, and the constructors.
#include <elf.h>

#include <algorithm>
#include <unordered_set>

#include "unit.h"

namespace vbpf::verifier {
namespace {

// Entered by the host like by an indirect call: must be an instruction, which check_code() sees to.
void mark_entry(Unit& unit, uint64_t address) {
  const Segment* text = unit.segment(Segment::Kind::text);
  unit.image.target_map[address - text->address] |= std::byte{VBPF_TARGET_ENTRY};
}

// So that tables of them stay small against the file, whatever it says.
constexpr size_t max_entries = 1024;

bool is_hook_section(std::string_view name) { return name != ".text" && !name.starts_with(".text."); }

bool add_entries(Unit& unit) {
  std::unordered_set<std::string_view> names;
  for (const ElfSymbol& symbol : unit.object.symbols) {
    if (symbol.section == 0 || unit.placements[symbol.section].role != Role::text) continue;
    const Section& section = unit.object.sections[symbol.section];
    if (!is_hook_section(section.name) || symbol.type != STT_FUNC || symbol.bind == STB_LOCAL) continue;
    Place place{symbol.section, symbol.value};
    if (symbol.value >= section.size) {
      unit.reporter.add("entry-place", place, "the entry lies at the end of its section", "the file is damaged");
      return false;
    }
    if (unit.image.entries.size() >= max_entries) {
      unit.reporter.add("entry-name", place, "more than " + std::to_string(max_entries) + " entries",
                        "keep functions that the host does not call out of the sections of hooks");
      return false;
    }
    if (!names.insert(symbol.name).second || symbol.name.empty()) {
      unit.reporter.add("entry-name", place, "two entries have the same name, or one has none",
                        "give each entry its own name");
      return false;
    }
    uint64_t address = unit.placements[symbol.section].address + symbol.value;
    mark_entry(unit, address);
    unit.image.entries.push_back(
        {std::string(section.name.substr(0, section.name.find('/'))), std::string(symbol.name), address});
  }
  if (!unit.image.entries.empty()) return true;
  unit.reporter.add("entry-none", {}, "the object has no entry point",
                    "put a global function into a section named for its hook: xdp, uffd or plugin");
  return false;
}

bool add_constructors(Unit& unit) {
  const Segment* text = unit.segment(Segment::Kind::text);
  for (size_t i = 0; i < unit.constructor_places.size(); ++i) {
    uint64_t address = 0;
    read_at(unit.constructor_bytes, i * sizeof(address), address);
    if (address - text->address >= text->size) {
      unit.reporter.add("entry-constructor", unit.constructor_places[i],
                        "a constructor that is not a function of the object", "the file is damaged");
      return false;
    }
    mark_entry(unit, address);
    unit.image.constructors.push_back(address);
  }
  return true;
}

}  // namespace

bool find_entries(Unit& unit) {
  unit.image.variant = unit.options.variant;
  unit.image.region_base = unit.options.region_base;
  unit.image.manifest = unit.manifest;
  return add_entries(unit) && add_constructors(unit);
}

void collect_symbols(Unit& unit) {
  auto wanted = [&](const ElfSymbol& symbol) {
    if (symbol.section == 0 || symbol.name.empty() || symbol.type > STT_FUNC) return false;
    Role role = unit.placements[symbol.section].role;
    return role != Role::none && role != Role::constructors;
  };
  std::vector<Symbol>& symbols = unit.image.symbols;
  symbols.reserve(std::count_if(unit.object.symbols.begin(), unit.object.symbols.end(), wanted));
  for (const ElfSymbol& symbol : unit.object.symbols) {
    if (!wanted(symbol)) continue;
    symbols.push_back({.name = std::string(symbol.name),
                       .address = unit.placements[symbol.section].address + symbol.value,
                       .size = symbol.size,
                       .function = symbol.type == STT_FUNC,
                       .section = std::string(unit.object.sections[symbol.section].name),
                       .section_offset = symbol.value});
  }
  std::sort(symbols.begin(), symbols.end(), [](const Symbol& a, const Symbol& b) {
    return a.address != b.address ? a.address < b.address : a.name < b.name;
  });
}

}  // namespace vbpf::verifier
