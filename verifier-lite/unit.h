// SPDX-License-Identifier: Apache-2.0
// What the steps of verify() hand to one another. Each step fills its part and returns false when it refused.
#pragma once

#include <cstdint>
#include <vector>

#include "diagnostics.h"
#include "object.h"
#include "vbpf/abi.h"
#include "vbpf/verifier.h"

namespace vbpf::verifier {

// Marks in the target map while the code is checked, beside VBPF_TARGET_*; cleared before the image is given out.
constexpr uint8_t mark_start = 0x80;   // an instruction starts here
constexpr uint8_t mark_branch = 0x40;  // a direct branch goes here

enum class Role : uint8_t {
  none,  // not loaded: debug information, unwind tables, notes
  text,
  read_only,
  data,
  zero,          // data that is not in the file
  constructors,  // .init_array: read here, not loaded
};

// Where a section of the object went.
struct Placement {
  Role role = Role::none;
  uint64_t address = 0;
  bool patched_by_rela = false;
};

struct Unit {
  const Options& options;
  Reporter& reporter;
  Object object = {};
  Manifest manifest = {};

  std::vector<Placement> placements = {};    // by section index
  std::vector<uint32_t> text_sections = {};  // in order of address
  std::vector<uint32_t> got_slots = {};      // by symbol: 1 + slot, 0 is none; empty if there is no such relocation
  uint64_t got_address = 0;
  std::vector<std::byte> constructor_bytes =
      {};                                      // contents of all .init_array sections, relocated, in order of execution
  std::vector<Place> constructor_places = {};  // for diagnostics, one for each constructor

  Image image = {};

  Segment* segment(Segment::Kind kind) {
    for (Segment& segment : image.segments) {
      if (segment.kind == kind) return &segment;
    }
    return nullptr;
  }
  const Segment* segment(Segment::Kind kind) const { return const_cast<Unit*>(this)->segment(kind); }

  // The object's place for an address of text, the padding after a section included.
  Place place_of(uint64_t address) const;
};

bool read_manifest(Unit& unit, const Object& outer);  // variant.cpp
bool place_sections(Unit& unit);                      // layout.cpp
bool relocate(Unit& unit);                            // relocate.cpp
bool find_maps(Unit& unit);                           // maps.cpp
bool find_entries(Unit& unit);                        // interface.cpp
bool check_code(Unit& unit);                          // code.cpp
void collect_symbols(Unit& unit);                     // interface.cpp

// Index of the section of that name, 0 if there is none. Two of them are refused by the caller through `twice`.
uint32_t find_section(const Object& object, std::string_view name, bool& twice);  // variant.cpp

// Finds the object of the variant asked for: `file` itself or the one nested in it. False: refused.
bool select_variant(std::span<const std::byte> file, const Options& options, Reporter& reporter, Object& outer,
                    Object& chosen);

}  // namespace vbpf::verifier
