// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any file gets an answer, and what is accepted passes the second opinion of recheck.h.
//
// The mutator knows a little of ELF, so that most inputs get past the headers: half of the time it changes code,
// relocations or symbols in place, else anything.
#include <elf.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>

#include "recheck.h"
#include "support.h"
#include "vbpf/abi.h"

using namespace vbpf::verifier;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Options all[] = {test::options_for(Variant::user), test::options_for(Variant::sfi),
                                test::options_for(Variant::kernel)};
  for (const Options& options : all) {
    Result result = verify({reinterpret_cast<const std::byte*>(data), size}, options);
    if (result.image.has_value() != result.diagnostics.empty()) std::abort();
    if (!result.image) continue;
    std::string wrong = test::recheck(*result.image, options);
    if (wrong.empty()) continue;
    std::fprintf(stderr, "accepted, but: %s\n", wrong.c_str());
    std::abort();
  }
  return 0;
}

namespace {

// Beginnings of instructions that decide something: prefixes, branches, writes of %rsp, what must never run.
constexpr std::string_view pieces[] = {"\x0f\x01\xef",
                                       "\x0f\x05",
                                       "\xc3",
                                       "\xff\xe0",
                                       "\x66\xe9",
                                       "\xe9",
                                       "\xe8",
                                       "\xeb",
                                       "\x74",
                                       "\x67\x65",
                                       "\x65\x67\x48\x8b",
                                       "\x67\xe3",
                                       "\x48\x83\xec",
                                       "\x48\x89\xe5",
                                       "\x48\x89\xec",
                                       "\x89\xec",
                                       "\x5c",
                                       "\x48\x0b\x24\x25",
                                       "\x65\x67\x48\x0b\x24\x25",
                                       "\x80\x3c\x24",
                                       "\x0f\xc7\xc8",
                                       "\x8e\xe0",
                                       "\x0f\xae\x28",
                                       "\xf3\x48\x0f\xae\xd8",
                                       "\xc5\xf8\xae\x10",
                                       "\x62\xf1\x7c\x48\x58",
                                       "\xc4\xe2\x79\x90",
                                       "\x48\xa5",
                                       "\xf3\x48\xa5",
                                       "\x8d\x24\x24",
                                       "\x48\x8d\x64\x24",
                                       "\x0f\xa3\x07",
                                       "\xa3",
                                       "\x48\x87\xe0",
                                       "\x48\x0f\xb8\xe0",
                                       "\x66\x58",
                                       "\x40",
                                       "\x2e",
                                       "\x3e",
                                       "\xf0",
                                       "\xf2",
                                       "\xf3"};

struct Range {
  uint64_t offset, size;
};

// A random section of one of these kinds.
Range pick_section(const uint8_t* data, size_t size, std::minstd_rand& random) {
  Elf64_Ehdr header;
  if (size < sizeof(header)) return {0, 0};
  std::memcpy(&header, data, sizeof(header));
  Range chosen{0, 0};
  unsigned seen = 0;
  for (unsigned i = 1; i < header.e_shnum; ++i) {
    uint64_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    Elf64_Shdr section;
    if (at > size || size - at < sizeof(section)) break;
    std::memcpy(&section, data + at, sizeof(section));
    bool wanted = (section.sh_flags & SHF_EXECINSTR) || section.sh_type == SHT_RELA || section.sh_type == SHT_SYMTAB;
    bool inside = section.sh_offset < size && section.sh_size <= size - section.sh_offset && section.sh_size > 0;
    if (wanted && inside && random() % ++seen == 0) chosen = {section.sh_offset, section.sh_size};
  }
  return chosen;
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  Range range = pick_section(data, size, random);
  if (range.size == 0 || random() % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  for (unsigned changes = 1 + random() % 3; changes > 0; --changes) {
    uint64_t at = range.offset + random() % range.size;
    uint64_t room = range.offset + range.size - at;
    if (random() % 2 == 0) {
      std::string_view piece = pieces[random() % std::size(pieces)];
      std::memcpy(data + at, piece.data(), std::min<uint64_t>(room, piece.size()));
    } else {
      LLVMFuzzerMutate(data + at, std::min<uint64_t>(room, 8), std::min<uint64_t>(room, 8));
    }
  }
  return size;
}
