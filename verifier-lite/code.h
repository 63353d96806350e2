// SPDX-License-Identifier: Apache-2.0
// One decoded instruction, as the checks of code.cpp and sfi.cpp see it.
#pragma once

#include <Zydis/Zydis.h>

#include <string_view>

#include "policy.h"
#include "unit.h"

namespace vbpf::verifier {

struct Instruction {
  uint64_t address = 0;
  const ZydisDecodedInstruction* info = nullptr;
  const ZydisDecodedOperand* operands = nullptr;
  uint8_t operand_count = 0;  // how many of them are decoded: the visible ones first
  bool known = false;         // one that differs in the values of displacement and immediate alone passed the checks

  uint64_t next() const { return address + info->length; }
  bool is(ZydisMnemonic mnemonic) const { return info->mnemonic == mnemonic; }
  bool is_branch() const { return info->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE; }
  // 0F 1F /0, the padding between functions: accesses nothing whatever its operand says.
  bool is_long_nop() const {
    return is(ZYDIS_MNEMONIC_NOP) && info->opcode_map == ZYDIS_OPCODE_MAP_0F && info->opcode == 0x1f &&
           info->raw.modrm.reg == 0;
  }
};

// What a check says: an empty rule is "fine". Views of literals, because there is one for each instruction.
struct Verdict {
  std::string_view rule = {}, message = {}, hint = {};
  explicit operator bool() const { return rule.empty(); }
};

// The rules of docs/sfi.md, over the instructions in order of address.
class SfiChecker {
 public:
  explicit SfiChecker(const Unit& unit, uint64_t return_thunk);
  Verdict check(const Instruction& instruction);
  // The text ends, or padding follows.
  Verdict check_end();

 private:
  enum class Pending { none, probe, base };

  Verdict check_memory(const Instruction& instruction) const;
  Verdict check_operand(const Instruction& instruction, const ZydisDecodedOperand& operand) const;
  Verdict check_stack(const Instruction& instruction);
  Verdict check_pending(const Instruction& instruction) const;
  Verdict classify_stack_write(const Instruction& instruction, Pending& after) const;

  uint64_t image_begin_, image_end_, return_thunk_;
  Pending pending_ = Pending::none;  // what the next instruction must be
};

}  // namespace vbpf::verifier
