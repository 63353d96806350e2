// SPDX-License-Identifier: Apache-2.0
// The rules of docs/sfi.md: memory operands and the stack pointer.
#include "code.h"

namespace vbpf::verifier {
namespace {

constexpr std::string_view rewrite_hint = "build the sfi variant with vbpf-clang++, whose rewriter makes such code";

bool is_register(const ZydisDecodedOperand& operand, ZydisRegister reg) {
  return operand.type == ZYDIS_OPERAND_TYPE_REGISTER && operand.reg.value == reg;
}

bool writes(const ZydisDecodedOperand& operand) { return (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0; }

bool is_stack_register(ZydisRegister reg) {
  return reg == ZYDIS_REGISTER_RSP || reg == ZYDIS_REGISTER_ESP || reg == ZYDIS_REGISTER_SP ||
         reg == ZYDIS_REGISTER_SPL;
}

bool is_visible(const ZydisDecodedOperand& operand) { return operand.visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN; }

// push, pop and call: they move %rsp by 8 and access where it points.
bool is_stack_access(const Instruction& instruction) {
  return instruction.is(ZYDIS_MNEMONIC_PUSH) || instruction.is(ZYDIS_MNEMONIC_POP) ||
         instruction.is(ZYDIS_MNEMONIC_CALL);
}

bool is_add_sub_and(const Instruction& instruction) {
  return instruction.is(ZYDIS_MNEMONIC_ADD) || instruction.is(ZYDIS_MNEMONIC_SUB) || instruction.is(ZYDIS_MNEMONIC_AND);
}

bool is_bit_test(const Instruction& instruction) {
  return instruction.is(ZYDIS_MNEMONIC_BT) || instruction.is(ZYDIS_MNEMONIC_BTS) ||
         instruction.is(ZYDIS_MNEMONIC_BTR) || instruction.is(ZYDIS_MNEMONIC_BTC);
}

// cmpb $0,(%rsp)
bool is_probe_compare(const Instruction& instruction) {
  const auto& raw = instruction.info->raw;
  const ZydisDecodedOperand& memory = instruction.operands[0];
  return instruction.is(ZYDIS_MNEMONIC_CMP) && instruction.info->length == 4 && raw.prefix_count == 0 &&
         instruction.info->opcode == 0x80 && memory.type == ZYDIS_OPERAND_TYPE_MEMORY &&
         memory.mem.base == ZYDIS_REGISTER_RSP && memory.mem.index == ZYDIS_REGISTER_NONE &&
         !memory.mem.disp.has_displacement && memory.size == 8 && instruction.operands[1].imm.value.u == 0;
}

// orq %gs:VBPF_OFF_INFO,%rsp
bool is_base_restore(const Instruction& instruction) {
  const ZydisDecodedOperand& memory = instruction.operands[1];
  return instruction.is(ZYDIS_MNEMONIC_OR) && is_register(instruction.operands[0], ZYDIS_REGISTER_RSP) &&
         memory.type == ZYDIS_OPERAND_TYPE_MEMORY && memory.mem.segment == ZYDIS_REGISTER_GS &&
         instruction.info->address_width == 32 && memory.mem.base == ZYDIS_REGISTER_NONE &&
         memory.mem.index == ZYDIS_REGISTER_NONE && memory.mem.disp.value == static_cast<ZyanI64>(VBPF_OFF_INFO);
}

// The constant of add/sub $imm,%rsp, lea disp(%rsp),%rsp or and $-2^k,%rsp, as a distance; false if it is none of
// these.
bool step_distance(const Instruction& instruction, uint64_t& distance) {
  const ZydisDecodedOperand& source = instruction.operands[1];
  if (!is_register(instruction.operands[0], ZYDIS_REGISTER_RSP)) return false;
  if (instruction.is(ZYDIS_MNEMONIC_LEA)) {
    if (instruction.info->address_width != 64 || source.mem.base != ZYDIS_REGISTER_RSP ||
        source.mem.index != ZYDIS_REGISTER_NONE)
      return false;
    ZyanI64 displacement = source.mem.disp.has_displacement ? source.mem.disp.value : 0;
    distance = displacement < 0 ? 0 - static_cast<uint64_t>(displacement) : static_cast<uint64_t>(displacement);
    return true;
  }
  if (!is_add_sub_and(instruction) || source.type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return false;
  ZyanI64 value = source.imm.value.s;
  uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  distance = magnitude;
  if (instruction.is(ZYDIS_MNEMONIC_AND)) return value < 0 && (magnitude & (magnitude - 1)) == 0;
  return true;
}

// A write of the 32-bit %esp, which clears the upper half of %rsp.
bool is_reset(const Instruction& instruction) {
  if (!is_register(instruction.operands[0], ZYDIS_REGISTER_ESP)) return false;
  const ZydisDecodedOperand& source = instruction.operands[1];
  if (instruction.is(ZYDIS_MNEMONIC_LEA)) return true;
  if (instruction.is(ZYDIS_MNEMONIC_MOV)) return source.type == ZYDIS_OPERAND_TYPE_REGISTER;
  return is_add_sub_and(instruction) && source.type != ZYDIS_OPERAND_TYPE_MEMORY;
}

}  // namespace

SfiChecker::SfiChecker(const Unit& unit, uint64_t return_thunk)
    : image_begin_(unit.image.segments.front().address),
      image_end_(unit.image.segments.back().address + unit.image.segments.back().size),
      return_thunk_(return_thunk) {}

Verdict SfiChecker::check(const Instruction& instruction) {
  if (Verdict verdict = check_stack(instruction); !verdict) return verdict;
  return check_memory(instruction);
}

Verdict SfiChecker::check_end() {
  if (pending_ == Pending::none) return {};
  pending_ = Pending::none;
  return {"sfi-stack", "the stack pointer is changed and then not probed: the section ends", rewrite_hint};
}

Verdict SfiChecker::check_memory(const Instruction& instruction) const {
  if (instruction.is(ZYDIS_MNEMONIC_LEA) || instruction.is_long_nop() || is_probe_compare(instruction)) return {};
  if (is_bit_test(instruction) && instruction.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
      instruction.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER)
    return {"sfi-memory", "a bit test with a register reaches beyond its memory operand", rewrite_hint};
  for (size_t i = 0; i < instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = instruction.operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    if (Verdict verdict = check_operand(instruction, operand); !verdict) return verdict;
  }
  return {};
}

Verdict SfiChecker::check_operand(const Instruction& instruction, const ZydisDecodedOperand& operand) const {
  if (!is_visible(operand)) {
    if (is_stack_access(instruction) && operand.mem.base == ZYDIS_REGISTER_RSP) return {};
    return {"sfi-memory", "accesses memory that is no operand and cannot be confined", rewrite_hint};
  }
  if (operand.mem.type != ZYDIS_MEMOP_TYPE_MEM)
    return {"sfi-memory", "an address that is not base, index and displacement", rewrite_hint};
  if (operand.mem.base == ZYDIS_REGISTER_EIP) return {"sfi-memory", "the address is relative to %eip", rewrite_hint};
  if (operand.mem.base == ZYDIS_REGISTER_RIP) {
    uint64_t begin = instruction.next() + static_cast<uint64_t>(operand.mem.disp.value);
    uint64_t size = operand.size / 8;
    bool plain = operand.mem.segment == ZYDIS_REGISTER_DS && instruction.info->address_width == 64;
    if (plain && begin >= image_begin_ && begin <= image_end_ && image_end_ - begin >= size) return {};
    return {"sfi-memory", "the %rip-relative operand is not inside the image", rewrite_hint};
  }
  if (operand.mem.segment == ZYDIS_REGISTER_GS && instruction.info->address_width == 32) return {};
  return {"sfi-memory", "the memory operand is not confined: neither %gs: with 32-bit addressing nor %rip-relative",
          rewrite_hint};
}

// The instruction after a step or a reset is the one that makes it safe.
Verdict SfiChecker::check_pending(const Instruction& instruction) const {
  if (pending_ == Pending::base && !is_base_restore(instruction))
    return {"sfi-stack", "%esp was written; the next instruction must be orq %gs:0x10000,%rsp", rewrite_hint};
  if (pending_ != Pending::probe || is_stack_access(instruction) || is_probe_compare(instruction)) return {};
  bool to_thunk = instruction.is(ZYDIS_MNEMONIC_JMP) && return_thunk_ != 0 &&
                  instruction.next() + instruction.operands[0].imm.value.u == return_thunk_;
  if (to_thunk) return {};
  return {"sfi-stack", "%rsp was moved; the next instruction must be push, pop, call, a return or cmpb $0,(%rsp)",
          rewrite_hint};
}

Verdict SfiChecker::check_stack(const Instruction& instruction) {
  Verdict verdict = check_pending(instruction);
  pending_ = Pending::none;
  if (!verdict) return verdict;
  bool writes_stack_pointer = false;
  for (size_t i = 0; i < instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = instruction.operands[i];
    if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER || !writes(operand) || !is_stack_register(operand.reg.value))
      continue;
    // The implicit move of push, pop and call.
    if (!is_visible(operand) && is_stack_access(instruction)) continue;
    writes_stack_pointer = true;
  }
  if (!writes_stack_pointer) return {};
  return classify_stack_write(instruction, pending_);
}

Verdict SfiChecker::classify_stack_write(const Instruction& instruction, Pending& after) const {
  if (is_base_restore(instruction)) return {};
  if (is_reset(instruction)) {
    after = Pending::base;
    return {};
  }
  uint64_t distance = 0;
  if (!step_distance(instruction, distance))
    return {"sfi-stack", "the stack pointer is written in a way that does not keep it inside the region", rewrite_hint};
  if (distance > VBPF_SFI_MAX_STACK_STEP)
    return {"sfi-stack", "%rsp is moved by more than 65536 bytes at once", rewrite_hint};
  after = Pending::probe;
  return {};
}

}  // namespace vbpf::verifier
