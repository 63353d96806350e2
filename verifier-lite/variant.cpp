// SPDX-License-Identifier: Apache-2.0
// The variants of an extension object, and its manifest.
#include <elf.h>

#include "unit.h"

namespace vbpf::verifier {
namespace {

struct VariantNames {
  std::string_view name, section, missing;
};

VariantNames names_of(Variant variant) {
  switch (variant) {
    case Variant::sfi:
      return {"sfi", VBPF_SECTION_VARIANT_SFI, VBPF_SECTION_MISSING_SFI};
    case Variant::kernel:
      return {"kernel", VBPF_SECTION_VARIANT_KERNEL, VBPF_SECTION_MISSING_KERNEL};
    case Variant::user:
      break;
  }
  return {"user", {}, {}};
}

// Sections of the vbpf namespace: known ones only, and no object inside an object inside an object.
bool check_vbpf_sections(const Object& object, Reporter& reporter, bool nested) {
  for (uint32_t i = 1; i < object.sections.size(); ++i) {
    const Section& section = object.sections[i];
    if (!section.name.starts_with("vbpf.")) continue;
    if (section.name == VBPF_SECTION_MANIFEST || section.name == VBPF_SECTION_MAPS) continue;
    bool known = section.name == VBPF_SECTION_VARIANT_SFI || section.name == VBPF_SECTION_VARIANT_KERNEL ||
                 section.name == VBPF_SECTION_MISSING_SFI || section.name == VBPF_SECTION_MISSING_KERNEL;
    if (!known || nested || (section.flags & SHF_ALLOC) || section.type != SHT_PROGBITS) {
      reporter.add("object-variant", {i, 0},
                   known ? "the variant section may not be loaded or nested" : "unknown vbpf section",
                   "build the object with vbpf-clang++ of this version");
      return false;
    }
  }
  return true;
}

// False with a diagnostic if the object says why it lacks the variant.
bool check_not_missing(const Object& object, VariantNames names, Reporter& reporter) {
  bool twice = false;
  uint32_t index = find_section(object, names.missing, twice);
  if (index == 0) return true;
  std::span<const std::byte> bytes = object.sections[index].bytes;
  std::string_view why(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!why.empty() && (why.back() == '\0' || why.back() == '\n')) why.remove_suffix(1);
  reporter.add("object-variant", {index, 0},
               "the object has no '" + std::string(names.name) + "' variant: " + printable(why),
               "make it compile for that variant, or choose another confinement");
  return false;
}

}  // namespace

uint32_t find_section(const Object& object, std::string_view name, bool& twice) {
  uint32_t found = 0;
  for (uint32_t i = 1; i < object.sections.size(); ++i) {
    if (object.sections[i].name != name) continue;
    twice = found != 0;
    found = i;
  }
  return found;
}

bool select_variant(std::span<const std::byte> file, const Options& options, Reporter& reporter, Object& outer,
                    Object& chosen) {
  if (!read_object(file, reporter, outer) || !check_vbpf_sections(outer, reporter, false)) return false;
  VariantNames names = names_of(options.variant);
  bool twice = false;
  uint32_t index = names.section.empty() ? 0 : find_section(outer, names.section, twice);
  if (twice) {
    reporter.add("object-variant", {index, 0}, "the variant is there twice", "build the object with vbpf-clang++");
    return false;
  }
  if (index == 0) {
    if (!names.missing.empty() && !check_not_missing(outer, names, reporter)) return false;
    // The file itself is the object: it is moved, and nothing of it is needed as `outer` any more.
    chosen = std::move(outer);
    outer = Object{};
    reporter.set_object(&chosen);
    return true;
  }
  reporter.set_prefix("in " + std::string(names.section) + ": ");
  return read_object(outer.sections[index].bytes, reporter, chosen) && check_vbpf_sections(chosen, reporter, true);
}

namespace {

bool refuse_manifest(Reporter& reporter, Place place, const std::string& message) {
  reporter.add("manifest", place, message, "use the macros of <vbpf/extension.h>, which write a valid manifest");
  return false;
}

bool parse_manifest(const Section& section, Place place, Reporter& reporter, Manifest& manifest) {
  vbpf_manifest raw;
  if (section.type != SHT_PROGBITS || !read_at(section.bytes, 0, raw) || section.size != sizeof(raw) ||
      raw.size != sizeof(raw))
    return refuse_manifest(reporter, place, "the manifest has the wrong size (or there are two in one section)");
  if (raw.magic != VBPF_MANIFEST_MAGIC)
    return refuse_manifest(reporter, place, "the manifest does not begin with its magic number");
  if (raw.abi_version != VBPF_ABI_VERSION)
    return refuse_manifest(reporter, place,
                           "the manifest is of ABI version " + std::to_string(raw.abi_version) + ", this is version " +
                               std::to_string(VBPF_ABI_VERSION));
  if (raw.concurrency > VBPF_CONCURRENCY_SERIAL)
    return refuse_manifest(reporter, place,
                           "the manifest asks for unknown concurrency " + std::to_string(raw.concurrency));
  const uint32_t packet = raw.packet & ~VBPF_PACKET_READ_ONLY;
  if (packet > VBPF_PACKET_BYTES_MAX && packet != VBPF_PACKET_NOTHING)
    return refuse_manifest(reporter, place,
                           "the manifest asks for " + std::to_string(packet) + " bytes of a packet (8192 at most)");
  if (raw.privileges != 0)
    return refuse_manifest(reporter, place, "the manifest asks for unknown privileges " + hex(raw.privileges));
  if (raw.stack_size != 0 && (raw.stack_size < VBPF_STACK_SIZE_MIN || raw.stack_size > VBPF_STACK_SIZE_MAX))
    return refuse_manifest(
        reporter, place,
        "the manifest asks for a stack of " + std::to_string(raw.stack_size) + " bytes (4 KiB to 8 MiB)");
  if (raw.heap_size > VBPF_HEAP_SIZE_MAX)
    return refuse_manifest(
        reporter, place, "the manifest asks for a heap of " + std::to_string(raw.heap_size) + " bytes (1 GiB at most)");
  manifest.present = true;
  manifest.concurrency = raw.concurrency;
  manifest.packet = raw.packet;
  if (raw.stack_size != 0) manifest.stack_size = raw.stack_size;
  if (raw.heap_size != 0) manifest.heap_size = raw.heap_size;
  return true;
}

}  // namespace

// A nested variant without a manifest has that of the object around it.
bool read_manifest(Unit& unit, const Object& outer) {
  unit.manifest.concurrency = VBPF_CONCURRENCY_PER_CPU;
  unit.manifest.stack_size = VBPF_STACK_SIZE_DEFAULT;
  unit.manifest.heap_size = VBPF_HEAP_SIZE_DEFAULT;
  for (const Object* object : {static_cast<const Object*>(&unit.object), &outer}) {
    bool twice = false;
    uint32_t index = find_section(*object, VBPF_SECTION_MANIFEST, twice);
    if (index == 0) continue;
    if (twice) return refuse_manifest(unit.reporter, {index, 0}, "there are two manifests");
    return parse_manifest(object->sections[index], {index, 0}, unit.reporter, unit.manifest);
  }
  return true;
}

}  // namespace vbpf::verifier
