// SPDX-License-Identifier: Apache-2.0
// Layout: text, read-only data, data; each page aligned, with an unmapped page between, from VBPF_OFF_IMAGE of the
// region.
#include <elf.h>

#include <algorithm>

#include "unit.h"

namespace vbpf::verifier {
namespace {

constexpr uint64_t page = 4096;
constexpr std::byte trap{0xcc};  // int3: fills what is not code in the text

uint64_t align_up(uint64_t value, uint64_t align) { return (value + align - 1) & ~(align - 1); }

bool dropped(const Section& section) {
  if (!(section.flags & SHF_ALLOC)) return true;
  if (section.type == SHT_NOTE || section.type == SHT_FINI_ARRAY || section.type == SHT_NULL) return true;
  return section.name == ".eh_frame" || section.name.starts_with(".gcc_except_table") ||
         section.name == VBPF_SECTION_MANIFEST || section.name.starts_with(".fini_array");
}

bool is_code_name(std::string_view name) { return name == ".text" || name.starts_with(".text."); }

class Layout {
 public:
  explicit Layout(Unit& unit) : unit_(unit) {}

  bool place() {
    unit_.placements.resize(unit_.object.sections.size());
    for (uint32_t i = 1; i < unit_.object.sections.size(); ++i) {
      if (!choose_role(i)) return false;
    }
    if (!count_got_slots()) return false;
    cursor_ = unit_.options.region_base + VBPF_OFF_IMAGE;
    limit_ = cursor_ + VBPF_IMAGE_SIZE_MAX;
    if (!add_segment(Segment::Kind::text, {Role::text}) || !add_segment(Segment::Kind::read_only, {Role::read_only}) ||
        !add_segment(Segment::Kind::data, {Role::data, Role::zero}))
      return false;
    const Segment* text = unit_.segment(Segment::Kind::text);
    if (text == nullptr) {
      unit_.reporter.add("entry-none", {}, "the object has no code",
                         "define an entry point, e.g. extern \"C\" in section \"xdp\"");
      return false;
    }
    unit_.image.target_map.resize(text->size);
    return true;
  }

 private:
  bool refuse(std::string_view rule, uint32_t section, const std::string& message, std::string hint) {
    unit_.reporter.add(rule, {section, 0}, message, std::move(hint));
    return false;
  }

  bool choose_role(uint32_t index) {
    const Section& section = unit_.object.sections[index];
    if (dropped(section)) return true;
    Role& role = unit_.placements[index].role;
    bool writable = section.flags & SHF_WRITE;
    if (section.flags & SHF_EXECINSTR) {
      role = Role::text;
      return is_code_name(section.name) || check_hook(index);
    }
    if (section.name.starts_with(".ctors") || section.name.starts_with(".dtors") ||
        section.name.starts_with(".preinit_array"))
      return refuse("object-section", index, "old-style constructors", "compile with -fuse-init-array");
    if (section.type == SHT_INIT_ARRAY || section.name == ".init_array" || section.name.starts_with(".init_array.")) {
      if (section.type != SHT_INIT_ARRAY && section.type != SHT_PROGBITS)
        return refuse("object-section", index, "a table of constructors without contents", "the file is damaged");
      role = Role::constructors;
      return true;
    }
    if (section.type == SHT_NOBITS) {
      if (!writable) return refuse("object-section", index, "read-only data without contents", "the file is damaged");
      role = Role::zero;
      return true;
    }
    if (section.type != SHT_PROGBITS)
      return refuse("object-section", index, "a loaded section of an unexpected type", "remove the section");
    // Relocation is over before anything runs, so what only the linker writes is read-only: virtual tables above all.
    bool relro = section.name == ".data.rel.ro" || section.name.starts_with(".data.rel.ro.");
    role = writable && !relro ? Role::data : Role::read_only;
    return true;
  }

  // An executable section is code (.text) or named for a hook.
  bool check_hook(uint32_t index) {
    std::string_view name = unit_.object.sections[index].name;
    std::string_view hook = name.substr(0, name.find('/'));
    if (hook == "xdp" || hook == "uffd" || hook == "plugin") return true;
    if (hook == "tc")
      return refuse("entry-hook", index, "the hook '" + std::string(hook) + "' is not built yet",
                    "use hook xdp, uffd or plugin");
    return refuse("entry-hook", index, "code in section '" + printable(name) + "', which is no hook",
                  "known hooks: xdp, uffd, plugin");
  }

  // One slot for each symbol that text reaches through the global offset table.
  bool count_got_slots() {
    for (const Section& section : unit_.object.sections) {
      if (section.type != SHT_RELA || unit_.placements[section.info].role == Role::none) continue;
      for (size_t i = 0; i < section.size / rela_size; ++i) {
        Rela rela = relocation_at(section, i);
        if (rela.type != R_X86_64_GOTPCREL && rela.type != R_X86_64_GOTPCRELX && rela.type != R_X86_64_REX_GOTPCRELX)
          continue;
        if (rela.symbol == 0 || rela.symbol >= unit_.object.symbols.size()) continue;  // refused by relocate()
        unit_.got_slots.resize(unit_.object.symbols.size());
        uint32_t& slot = unit_.got_slots[rela.symbol];
        if (slot == 0) slot = ++got_count_;
      }
    }
    return true;
  }

  // Sections in the object's order. Padding is bounded, so that sections of no bytes and much alignment cannot make an
  // image that is out of proportion to the file.
  bool add_segment(Segment::Kind kind, std::initializer_list<Role> roles) {
    Segment segment{.kind = kind, .address = align_up(cursor_, page), .size = 0, .bytes = {}};
    uint64_t end = segment.address, file_end = segment.address;
    bool any = false;
    for (Role role : roles) {
      for (uint32_t i = 1; i < unit_.object.sections.size(); ++i) {
        if (unit_.placements[i].role != role) continue;
        const Section& section = unit_.object.sections[i];
        uint64_t start = align_up(end, section.align);
        padding_ += role == Role::zero ? 0 : start - end;
        if (section.size > limit_ - std::min(limit_, start) || padding_ > unit_.object.file.size() + page)
          return refuse("layout-size", i,
                        "the image does not fit (128 MiB at most, and no more padding than the file has bytes)",
                        "make the extension smaller; take large memory from the heap");
        unit_.placements[i].address = start;
        end = start + section.size;
        any = true;
        if (role != Role::zero) file_end = end;
        if (role == Role::text) unit_.text_sections.push_back(i);
      }
    }
    if (kind == Segment::Kind::read_only && got_count_ > 0) {
      unit_.got_address = align_up(end, 8);
      end = file_end = unit_.got_address + 8ull * got_count_;
      any = true;
    }
    if (!any) return true;
    // Text is whole pages, the last byte always a trap: execution cannot run off its end, nor into bytes nobody
    // checked.
    if (kind == Segment::Kind::text) end = file_end = align_up(end + 1, page);
    segment.size = end - segment.address;
    if (end > limit_)
      return refuse("layout-size", 0, "the image does not fit in 128 MiB", "make the extension smaller");
    segment.bytes.assign(file_end - segment.address, kind == Segment::Kind::text ? trap : std::byte{0});
    copy_contents(segment, roles);
    cursor_ = align_up(end, page) + page;
    if (segment.size > 0) unit_.image.segments.push_back(std::move(segment));
    return true;
  }

  void copy_contents(Segment& segment, std::initializer_list<Role> roles) {
    for (uint32_t i = 1; i < unit_.object.sections.size(); ++i) {
      const Placement& placement = unit_.placements[i];
      if (std::find(roles.begin(), roles.end(), placement.role) == roles.end()) continue;
      std::span<const std::byte> bytes = unit_.object.sections[i].bytes;
      std::copy(bytes.begin(), bytes.end(),
                segment.bytes.begin() + static_cast<ptrdiff_t>(placement.address - segment.address));
    }
  }

  Unit& unit_;
  uint64_t cursor_ = 0, limit_ = 0, padding_ = 0;
  uint32_t got_count_ = 0;
};

}  // namespace

bool place_sections(Unit& unit) { return Layout(unit).place(); }

Place Unit::place_of(uint64_t address) const {
  auto after = std::upper_bound(text_sections.begin(), text_sections.end(), address,
                                [&](uint64_t a, uint32_t section) { return a < placements[section].address; });
  if (after == text_sections.begin()) return {};
  uint32_t section = *(after - 1);
  return {section, address - placements[section].address};
}

}  // namespace vbpf::verifier
