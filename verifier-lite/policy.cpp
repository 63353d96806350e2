// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <array>
#include <cstdint>

namespace vbpf::verifier {
namespace {

constexpr bool allow = true, deny = false;

enum ClassNumber : uint8_t {
  number_unlisted,
#define VBPF_CLASS(class_, user, sfi, kernel, why, hint) number_##class_,
#define VBPF_OPCODE(class_, mnemonic)
#include "opcodes.def"
};

constexpr OpcodeClass classes[] = {
    {false, false, false, false, "unlisted", "not in the list of allowed instructions",
     "compile with vbpf-clang++, for the baseline x86-64-v3"},
#define VBPF_CLASS(class_, user, sfi, kernel, why, hint) {true, user, sfi, kernel, #class_, why, hint},
#define VBPF_OPCODE(class_, mnemonic)
#include "opcodes.def"
};

struct Entry {
  ZydisMnemonic mnemonic;
  ClassNumber number;
};

constexpr Entry entries[] = {
#define VBPF_CLASS(class_, user, sfi, kernel, why, hint)
#define VBPF_OPCODE(class_, mnemonic) {ZYDIS_MNEMONIC_##mnemonic, number_##class_},
#include "opcodes.def"
};

constexpr auto make_table() {
  std::array<ClassNumber, ZYDIS_MNEMONIC_MAX_VALUE + 1> table{};
  for (const Entry& entry : entries) {
    if (table[entry.mnemonic] != number_unlisted) __builtin_trap();  // listed twice: does not compile
    table[entry.mnemonic] = entry.number;
  }
  return table;
}

constexpr auto table = make_table();

// The decoder has one name for a string instruction and for one of SSE; opcodes.def has the latter under it.
ZydisMnemonic unambiguous(const ZydisDecodedInstruction& instruction) {
  if (instruction.meta.category != ZYDIS_CATEGORY_STRINGOP) return instruction.mnemonic;
  if (instruction.mnemonic == ZYDIS_MNEMONIC_MOVSD) return ZYDIS_MNEMONIC_MOVSQ;
  if (instruction.mnemonic == ZYDIS_MNEMONIC_CMPSD) return ZYDIS_MNEMONIC_CMPSQ;
  return instruction.mnemonic;
}

}  // namespace

const OpcodeClass& class_of(const ZydisDecodedInstruction& instruction) {
  auto index = static_cast<size_t>(unambiguous(instruction));
  return classes[index < table.size() ? table[index] : number_unlisted];
}

}  // namespace vbpf::verifier
