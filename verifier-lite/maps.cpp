// SPDX-License-Identifier: Apache-2.0
// The maps that an object wants: descriptors in a section of their own, which nothing may change.
#include <elf.h>

#include <algorithm>

#include "unit.h"

namespace vbpf::verifier {
namespace {

bool refuse(Unit& unit, Place place, const std::string& message) {
  unit.reporter.add("map", place, message, "use VBPF_MAP of <vbpf/map.h>, or vbpf::HashMap and vbpf::ArrayMap");
  return false;
}

bool valid_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

bool add_map(Unit& unit, Place place, const vbpf_map& raw, uint64_t address) {
  const std::string_view all(raw.name, sizeof(raw.name));
  const std::string_view name = all.substr(0, all.find('\0'));
  if (name.size() == all.size() || !valid_name(name) || all.find_first_not_of('\0', name.size()) != all.npos)
    return refuse(unit, place, "a map without a valid name");
  const std::string which = "map " + std::string(name);
  if (raw.type != VBPF_MAP_HASH && raw.type != VBPF_MAP_ARRAY)
    return refuse(unit, place, which + " is of unknown type " + std::to_string(raw.type));
  if (raw.key_size == 0 || raw.key_size > VBPF_MAP_KEY_SIZE_MAX || (raw.type == VBPF_MAP_ARRAY && raw.key_size != 4))
    return refuse(unit, place,
                  which + " has keys of " + std::to_string(raw.key_size) + " bytes (a hash 1 to 512, an array 4)");
  if (raw.value_size == 0 || raw.value_size > VBPF_MAP_VALUE_SIZE_MAX)
    return refuse(unit, place, which + " has values of " + std::to_string(raw.value_size) + " bytes (1 to 4096)");
  if (raw.max_entries == 0) return refuse(unit, place, which + " has room for nothing");
  unit.image.maps.push_back({std::string(name), raw.type, raw.key_size, raw.value_size, raw.max_entries, address});
  return true;
}

}  // namespace

bool find_maps(Unit& unit) {
  bool twice = false;
  const uint32_t index = find_section(unit.object, VBPF_SECTION_MAPS, twice);
  if (index == 0) return true;
  const Section& section = unit.object.sections[index];
  const Placement& placement = unit.placements[index];
  if (twice) return refuse(unit, {index, 0}, "there are two sections of maps");
  if (placement.role != Role::read_only || section.type != SHT_PROGBITS || placement.patched_by_rela)
    return refuse(unit, {index, 0}, "the section of maps is not read-only data without relocations");
  if (section.size % sizeof(vbpf_map) != 0 || section.size / sizeof(vbpf_map) > VBPF_MAPS_MAX)
    return refuse(unit, {index, 0}, "the section of maps has the wrong size (32 maps at most)");
  for (uint64_t offset = 0; offset < section.size; offset += sizeof(vbpf_map)) {
    vbpf_map raw;
    read_at(section.bytes, offset, raw);
    if (!add_map(unit, {index, offset}, raw, placement.address + offset)) return false;
  }
  return true;
}

}  // namespace vbpf::verifier
