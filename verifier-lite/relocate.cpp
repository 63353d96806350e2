// SPDX-License-Identifier: Apache-2.0
// Relocation: writes final addresses into the image, and marks the functions whose address is taken.
//
// Nothing here has to be right for confinement: the code is checked after relocation, as the bytes that will run, and
// data is data. What is refused here is refused so that an accepted object means what its author wrote.
#include <elf.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "unit.h"

namespace vbpf::verifier {
namespace {

struct Target {
  uint64_t address = 0;
  bool text = false;
  bool section_symbol = false;
  const External* external = nullptr;
};

struct Form {
  unsigned width;  // bytes written, 0 for an unknown type
  bool relative;   // minus the place
  bool got;        // through the table
};

Form form_of(uint32_t type) {
  switch (type) {
    case R_X86_64_64:
      return {8, false, false};
    case R_X86_64_PC64:
      return {8, true, false};
    case R_X86_64_PC32:
    case R_X86_64_PLT32:
      return {4, true, false};
    case R_X86_64_GOTPCREL:
    case R_X86_64_GOTPCRELX:
    case R_X86_64_REX_GOTPCRELX:
      return {4, true, true};
    default:
      return {0, false, false};
  }
}

class Relocator {
 public:
  explicit Relocator(Unit& unit) : unit_(unit) {
    for (const External& external : unit.options.externals) externals_.emplace(external.name, &external);
  }

  bool run() {
    place_constructors();
    const Object& object = unit_.object;
    for (uint32_t i = 1; i < object.sections.size() && !unit_.reporter.full(); ++i) {
      const Section& section = object.sections[i];
      if (section.type != SHT_RELA || unit_.placements[section.info].role == Role::none) continue;
      relocate_section(section);
    }
    return !unit_.reporter.any();
  }

 private:
  void refuse(std::string_view rule, Place place, const std::string& message, std::string hint) {
    unit_.reporter.add(rule, place, message, std::move(hint));
  }

  // ".init_array.N" runs before ".init_array", smaller N first; equal ones in the object's order.
  static uint32_t priority_of(std::string_view name) {
    constexpr std::string_view prefix = ".init_array.";
    uint32_t priority = 65536;
    if (name.starts_with(prefix)) std::from_chars(name.data() + prefix.size(), name.data() + name.size(), priority);
    return priority;
  }

  void place_constructors() {
    std::vector<uint32_t> tables;
    for (uint32_t i = 1; i < unit_.object.sections.size(); ++i) {
      if (unit_.placements[i].role == Role::constructors) tables.push_back(i);
    }
    auto order = [&](uint32_t i) { return std::pair(priority_of(unit_.object.sections[i].name), i); };
    std::sort(tables.begin(), tables.end(), [&](uint32_t a, uint32_t b) { return order(a) < order(b); });
    for (uint32_t table : tables) {
      const Section& section = unit_.object.sections[table];
      if (section.size % 8 != 0)
        refuse("entry-constructor", {table, 0}, "the table of constructors has a broken size", "the file is damaged");
      unit_.placements[table].address = unit_.constructor_bytes.size();
      unit_.constructor_bytes.insert(unit_.constructor_bytes.end(), section.bytes.begin(), section.bytes.end());
      for (uint64_t offset = 0; offset < section.size; offset += 8) unit_.constructor_places.push_back({table, offset});
    }
  }

  // The bytes of a section where they will be relocated; empty if it has none (zeros).
  std::span<std::byte> contents(uint32_t index) {
    const Section& section = unit_.object.sections[index];
    const Placement& placement = unit_.placements[index];
    if (placement.role == Role::constructors)
      return std::span(unit_.constructor_bytes).subspan(placement.address, section.bytes.size());
    for (Segment& segment : unit_.image.segments) {
      if (placement.address < segment.address || placement.address >= segment.address + segment.bytes.size()) continue;
      return std::span(segment.bytes).subspan(placement.address - segment.address, section.bytes.size());
    }
    return {};
  }

  void relocate_section(const Section& relocations) {
    uint32_t index = relocations.info;
    Placement& placement = unit_.placements[index];
    if (placement.patched_by_rela) {
      refuse("reloc-overlap", {index, 0}, "the section has two tables of relocations", "the file is damaged");
      return;
    }
    placement.patched_by_rela = true;
    std::span<std::byte> bytes = contents(index);
    std::vector<bool> patched(bytes.size());
    for (size_t i = 0; i < relocations.size / rela_size && !unit_.reporter.full(); ++i)
      apply(index, relocation_at(relocations, i), bytes, patched);
  }

  void apply(uint32_t index, const Rela& rela, std::span<std::byte> bytes, std::vector<bool>& patched) {
    Place place{index, rela.offset};
    if (rela.type == R_X86_64_NONE) return;
    Form form = form_of(rela.type);
    if (form.width == 0) {
      bool absolute = rela.type == R_X86_64_32 || rela.type == R_X86_64_32S;
      refuse("reloc-type", place, "relocation type " + std::to_string(rela.type) + " is not supported",
             absolute ? "compile position-independent code: -fpie" : "compile with vbpf-clang++ or clang -fpie");
      return;
    }
    if (rela.offset > bytes.size() || bytes.size() - rela.offset < form.width) {
      refuse("reloc-place", place, "the relocation writes outside its section", "the file is damaged");
      return;
    }
    for (unsigned i = 0; i < form.width; ++i) {
      if (patched[rela.offset + i]) {
        refuse("reloc-overlap", place, "two relocations write the same bytes", "the file is damaged");
        return;
      }
      patched[rela.offset + i] = true;
    }
    Target target;
    if (!resolve(rela.symbol, place, target) || !allowed(place, rela, form, target)) return;
    write(place, rela, form, target, bytes.subspan(rela.offset, form.width));
  }

  bool resolve(uint32_t index, Place place, Target& target) {
    if (index == 0 || index >= unit_.object.symbols.size()) {
      refuse("reloc-symbol", place, "the relocation names no symbol", "the file is damaged");
      return false;
    }
    const ElfSymbol& symbol = unit_.object.symbols[index];
    if (symbol.absolute) {
      refuse("reloc-symbol", place, "'" + printable(symbol.name) + "' is an absolute address",
             "refer to a symbol of the object");
      return false;
    }
    if (symbol.section == 0) return resolve_external(index, place, target);
    const Placement& placement = unit_.placements[symbol.section];
    if (placement.role == Role::none || placement.role == Role::constructors) {
      refuse("reloc-symbol", place,
             "refers to section '" + printable(unit_.object.sections[symbol.section].name) + "', which is not loaded",
             "remove the reference");
      return false;
    }
    target.address = placement.address + symbol.value;
    target.text = placement.role == Role::text;
    target.section_symbol = symbol.type == STT_SECTION;
    return true;
  }

  bool resolve_external(uint32_t index, Place place, Target& target) {
    const ElfSymbol& symbol = unit_.object.symbols[index];
    auto found = externals_.find(symbol.name);
    if (found != externals_.end()) {
      target.external = found->second;
      target.address = found->second->address;
      return true;
    }
    reported_.resize(unit_.object.symbols.size());
    if (!reported_[index]) {
      refuse("import-unknown", place,
             "undefined symbol '" + printable(symbol.name) + "': not in the object, and no import",
             "define it, link the file that does, or see <vbpf/imports.def> for what an extension may call");
    }
    reported_[index] = true;
    return false;
  }

  // Text branches to a function of the host and takes the address of its data; nothing else refers to the host.
  bool allowed(Place place, const Rela& rela, Form form, const Target& target) {
    bool in_text = unit_.placements[place.section].role == Role::text;
    bool constructor = unit_.placements[place.section].role == Role::constructors;
    if (constructor && (rela.type != R_X86_64_64 || !target.text)) {
      refuse("entry-constructor", place, "a constructor that is not a function of the object", "the file is damaged");
      return false;
    }
    if (target.external == nullptr || target.external->kind == External::Kind::data) return true;
    if (in_text && form.width == 4 && !form.got) return true;
    refuse("import-address", place, "takes the address of '" + target.external->name + "', which can only be called",
           "call it from a function of your own, and take that one's address");
    return false;
  }

  void write(Place place, const Rela& rela, Form form, const Target& target, std::span<std::byte> bytes) {
    uint64_t symbol_address = target.address;
    if (form.got) symbol_address = fill_got_slot(rela.symbol, target);
    uint64_t value = symbol_address + static_cast<uint64_t>(rela.addend);
    mark_address_taken(place, form, target, value);
    if (form.relative) value -= unit_.placements[place.section].address + rela.offset;
    auto narrow = static_cast<int32_t>(value);
    if (form.width == 4 && static_cast<uint64_t>(int64_t{narrow}) != value) {
      refuse("reloc-overflow", place, "the target is more than 2 GiB away",
             "the file is damaged, or the extension is too large");
      return;
    }
    __builtin_memcpy(bytes.data(), &value, form.width);
  }

  uint64_t fill_got_slot(uint32_t symbol, const Target& target) {
    uint64_t slot = unit_.got_address + 8ull * (unit_.got_slots[symbol] - 1);
    Segment* segment = unit_.segment(Segment::Kind::read_only);
    __builtin_memcpy(segment->bytes.data() + (slot - segment->address), &target.address, 8);
    return slot;
  }

  // An address of text that is stored somewhere may be called through the indirect thunks, if an instruction starts
  // there (check_code() drops the other marks). `lea` is seen in the code. A 32-bit distance in data is an entry of a
  // relative table, whose base is unknown here: the function it names is marked.
  void mark_address_taken(Place place, Form form, const Target& target, uint64_t value) {
    if (!target.text) return;
    bool in_text = unit_.placements[place.section].role == Role::text;
    if (form.got || (form.relative && !in_text && !target.section_symbol)) mark_entry(target.address);
    if (form.width == 8 && !form.relative) mark_entry(value);
  }

  void mark_entry(uint64_t address) {
    const Segment* text = unit_.segment(Segment::Kind::text);
    if (address - text->address < text->size)
      unit_.image.target_map[address - text->address] |= std::byte{VBPF_TARGET_ENTRY};
  }

  Unit& unit_;
  std::unordered_map<std::string_view, const External*> externals_;
  std::vector<bool> reported_;
};

}  // namespace

bool relocate(Unit& unit) { return Relocator(unit).run(); }

}  // namespace vbpf::verifier
