// SPDX-License-Identifier: Apache-2.0
// Decodes instructions, and remembers those that passed the checks.
//
// Most instructions of a program are the same as one before but for the value of a displacement or an immediate (each
// call, each access to the stack). Zydis takes four fifths of the verifier's time, so these are not decoded again: the
// remembered one is used with the new values filled in.
//
// Why that is the same: what an instruction is, its operands and its length are decided by its head, the bytes before
// displacement and immediate; two instructions whose heads are equal byte for byte differ in those values alone. The
// exceptions, encodings that hide an opcode or a register in the immediate, are never remembered.
#pragma once

#include "code.h"

namespace vbpf::verifier {

class Decoder {
 public:
  // Memory is in proportion to text_size: a slot for 128 bytes of code, 1024 slots at most.
  Decoder(Variant variant, uint64_t text_size);

  // Decodes the instruction that begins at `start` and ends within `room` bytes; false if there is none.
  // instruction.known says that remember() was called for one with this head. Valid until the next call.
  bool decode(const std::byte* start, uint64_t room, Instruction& instruction);

  // The instruction just decoded passed every check that does not look at its place or at the values above.
  void remember(const Instruction& instruction);

 private:
  static constexpr size_t max_head = 8, max_operands = 5;
  static constexpr uint8_t none = 0xff;

  struct Slot {
    uint64_t head = 0;        // the bytes, first one lowest
    uint8_t head_length = 0;  // 0: the slot is empty
    uint8_t operand_count = 0;
    uint8_t displaced = none, immediate = none;  // the operand with that value
    ZydisDecodedInstruction info;
    ZydisDecodedOperand operands[max_operands];
  };

  Slot& slot_of(uint64_t head) { return slots_[head * 0x9e3779b97f4a7c15 >> shift_]; }
  bool decode_afresh(const std::byte* start, uint64_t room, Instruction& instruction);

  bool hidden_operands_;
  unsigned shift_;
  std::vector<Slot> slots_;
  ZydisDecoder decoder_;
  const std::byte* start_ = nullptr;
  uint64_t head_ = 0;       // of the instruction decoded last
  size_t head_length_ = 0;  // 0: it cannot be remembered
  ZydisDecodedInstruction info_;
  ZydisDecodedOperand operands_[ZYDIS_MAX_OPERAND_COUNT];
};

}  // namespace vbpf::verifier
