// SPDX-License-Identifier: Apache-2.0
// The verifier: reads an extension object, links it for one address, and checks the bytes that will run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vbpf::verifier {

enum class Variant { user, sfi, kernel };

// A symbol the loader supplies: a thunk, an import or an address.
struct External {
  std::string name;
  uint64_t address = 0;
  enum class Kind { branch, data, return_thunk } kind = Kind::branch;  // what text may do with it
};

struct Options {
  Variant variant = Variant::user;
  uint64_t region_base = 0x100000000000;  // 4 GiB aligned; the image is linked for VBPF_OFF_IMAGE in it
  std::vector<External> externals;        // everything else undefined is refused
  size_t max_diagnostics = 20;
};

// One reason to refuse. `rule` is stable (documented in verifier-lite/README.md), e.g. "code-opcode".
struct Diagnostic {
  std::string rule;
  std::string section;  // empty when the object as a whole is meant
  uint64_t section_offset = 0;
  std::string symbol;  // nearest symbol at or before the place, empty if none
  uint64_t symbol_offset = 0;
  std::string instruction;  // disassembly, empty outside code
  std::string message;      // what is wrong
  std::string hint;         // what to do
};

struct Segment {
  enum class Kind { text, read_only, data } kind;  // data is read-write and may end in zeros
  uint64_t address = 0;                            // page aligned
  uint64_t size = 0;                               // in memory, bytes
  std::vector<std::byte> bytes;                    // relocated; shorter than size when it ends in zeros
};

struct Entry {
  std::string hook;  // the section's name up to '/', e.g. "xdp"
  std::string name;  // the symbol
  uint64_t address = 0;
};

struct Symbol {
  std::string name;
  uint64_t address = 0;
  uint64_t size = 0;
  bool function = false;
  std::string section;  // where it is in the object, for source lines
  uint64_t section_offset = 0;
};

struct Manifest {  // with the defaults filled in
  uint32_t concurrency = 0;
  uint32_t packet = 0;  // VBPF_PACKET_*, or bytes
  uint64_t stack_size = 0, heap_size = 0, privileges = 0;
  bool present = false;
};

struct Map {
  std::string name;
  uint32_t type = 0, key_size = 0, value_size = 0, max_entries = 0;
  uint64_t address = 0;  // of its descriptor
};

// A linked and verified image: exactly these bytes may be mapped, and nothing else.
struct Image {
  Variant variant = Variant::user;
  uint64_t region_base = 0;
  std::vector<Segment> segments;      // ascending, not overlapping; text is one segment
  std::vector<std::byte> target_map;  // one byte per byte of text: VBPF_TARGET_*
  std::vector<Entry> entries;
  std::vector<uint64_t> constructors;  // addresses, in order of execution
  std::vector<Symbol> symbols;         // sorted by address
  std::vector<Map> maps;               // by address; descriptors of sizeof(struct vbpf_map), one after the other
  Manifest manifest;
  bool uses_vectors = false;  // some instruction names a vector register: the host leaves nothing in them
  bool uses_avx = false;      // some instruction uses AVX: the host clears the upper halves
  bool uses_float = false;    // some instruction may look at MXCSR or change it
  uint64_t text_size = 0, instructions = 0;
};

struct Result {
  std::vector<Diagnostic> diagnostics;  // empty exactly when image is set
  std::optional<Image> image;
};

// Verifies one variant of an object in memory. Never throws on bad input, never reads outside `object`; time and memory
// are linear in its size. A variant other than `user` is looked for in the object's variant section first; an object
// without that section is itself taken as the variant asked for (so plain `clang -c` output can be checked as any).
Result verify(std::span<const std::byte> object, const Options& options);

}  // namespace vbpf::verifier
