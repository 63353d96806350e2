// SPDX-License-Identifier: Apache-2.0
#include "decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace vbpf::verifier {
namespace {

enum Byte : uint8_t { opcode, opcode_with_modrm, prefix };

constexpr std::array<Byte, 256> make_byte_table() {
  std::array<Byte, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    bool arithmetic = i < 0x40 && (i & 7) < 4, shift = i == 0xc0 || i == 0xc1 || (i >= 0xd0 && i <= 0xd3);
    bool group = i == 0xc6 || i == 0xc7 || i == 0xf6 || i == 0xf7 || i == 0xfe || i == 0xff;
    bool other = i == 0x63 || i == 0x69 || i == 0x6b || (i >= 0x80 && i <= 0x8f) || (i >= 0xd8 && i <= 0xdf);
    if (arithmetic || shift || group || other) table[i] = opcode_with_modrm;
    if (i >= 0x40 && i <= 0x4f) table[i] = prefix;
  }
  for (unsigned i : {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3}) table[i] = prefix;
  return table;
}
constexpr auto byte_table = make_byte_table();

bool two_byte_has_modrm(uint8_t byte) {
  return (byte & 0xf0) != 0x80 && (byte & 0xf0) != 0x30 && (byte & 0xf8) != 0xc8 && byte != 0x77 && byte != 0x05 &&
         byte != 0x0b && byte != 0xa2;
}

// How long prefixes, opcode, ModRM and SIB at `at` are together; 0 if more than `max`. A guess: nothing is remembered
// for which the decoder says otherwise.
size_t guess_head_length(const uint8_t* at, size_t max) {
  size_t length = 0;
  while (byte_table[at[length]] == prefix)
    if (++length == max) return 0;
  uint8_t first = at[length];
  bool has_modrm = byte_table[first] == opcode_with_modrm;
  if (first == 0xc5 || first == 0xc4) {
    length += first == 0xc5 ? 3 : 4;
    has_modrm = true;
  } else if (first == 0x0f) {
    uint8_t second = at[length + 1];
    bool third = second == 0x38 || second == 0x3a;
    length += third ? 3 : 2;
    has_modrm = third || two_byte_has_modrm(second);
  } else {
    ++length;
  }
  if (has_modrm) {
    uint8_t modrm = at[length++];
    if (modrm < 0xc0 && (modrm & 7) == 4) ++length;
  }
  return length <= max ? length : 0;
}

uint64_t value_at(const std::byte* at, unsigned bits, bool is_signed) {
  uint64_t value = 0;
  std::memcpy(&value, at, bits / 8);
  unsigned unused = 64 - bits;
  return is_signed ? static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused) : value;
}

bool may_vary(const ZydisDecodedOperand& operand) {
  return operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE ||
         (operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.disp.has_displacement);
}

}  // namespace

Decoder::Decoder(Variant variant, uint64_t text_size)
    : hidden_operands_(variant == Variant::sfi),
      shift_(64 - static_cast<unsigned>(std::bit_width(std::clamp<uint64_t>(text_size / 128, 2, 1024)) - 1)),
      slots_(size_t{1} << (64 - shift_)) {
  ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

bool Decoder::decode(const std::byte* start, uint64_t room, Instruction& instruction) {
  instruction.known = false;
  head_length_ = 0;
  if (room < ZYDIS_MAX_INSTRUCTION_LENGTH + 1) return decode_afresh(start, room, instruction);
  head_length_ = guess_head_length(reinterpret_cast<const uint8_t*>(start), max_head);
  if (head_length_ == 0) return decode_afresh(start, room, instruction);
  start_ = start;
  head_ = value_at(start, static_cast<unsigned>(8 * head_length_), false);
  Slot& slot = slot_of(head_);
  if (slot.head != head_ || slot.head_length != head_length_) return decode_afresh(start, room, instruction);
  if (slot.displaced != none) {
    auto& raw = slot.info.raw.disp;
    raw.value = static_cast<ZyanI64>(value_at(start + raw.offset, raw.size, true));
    slot.operands[slot.displaced].mem.disp.value = raw.value;
  }
  if (slot.immediate != none) {
    auto& raw = slot.info.raw.imm[0];
    raw.value.u = value_at(start + raw.offset, raw.size, raw.is_signed);
    slot.operands[slot.immediate].imm.value.u = raw.value.u;
  }
  instruction.known = true;
  instruction.info = &slot.info;
  instruction.operands = slot.operands;
  instruction.operand_count = slot.operand_count;
  return true;
}

// Hidden operands matter for SFI only (who writes %rsp, who accesses memory), and there not if the only one is the
// flags. Decoding them costs a quarter of the time.
bool Decoder::decode_afresh(const std::byte* start, uint64_t room, Instruction& instruction) {
  ZydisDecoderContext context;
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, &context, start, room, &info_))) return false;
  bool only_flags =
      (info_.attributes & ZYDIS_ATTRIB_CPUFLAG_ACCESS) && info_.operand_count - info_.operand_count_visible == 1;
  bool visible = !hidden_operands_ || only_flags;
  instruction.info = &info_;
  instruction.operands = operands_;
  instruction.operand_count = visible ? info_.operand_count_visible : info_.operand_count;
  return ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder_, &context, &info_, operands_, instruction.operand_count));
}

void Decoder::remember(const Instruction& instruction) {
  if (instruction.known || head_length_ == 0 || instruction.operand_count > max_operands) return;
  const auto& displacement = info_.raw.disp;
  const auto& immediate = info_.raw.imm[0];
  size_t values = displacement.size / 8 + immediate.size / 8;
  if (info_.raw.imm[1].size != 0 || head_length_ + values != info_.length) return;
  uint8_t displaced = none, immediate_operand = none;
  unsigned varying = 0;
  for (uint8_t i = 0; i < instruction.operand_count; ++i) {
    const ZydisDecodedOperand& operand = operands_[i];
    if (!may_vary(operand)) continue;
    ++varying;
    (operand.type == ZYDIS_OPERAND_TYPE_MEMORY ? displaced : immediate_operand) = i;
  }
  // Each value in the bytes is that of one operand, and the other way round. Immediates of VEX may hold a register.
  bool has_displacement = displacement.size != 0, has_immediate = immediate.size != 0;
  if (varying != unsigned{has_displacement} + unsigned{has_immediate} || (displaced != none) != has_displacement ||
      (immediate_operand != none) != has_immediate)
    return;
  // A 64-bit displacement has no ModRM byte.
  if (has_displacement && (displacement.size > 32 || displacement.offset != head_length_)) return;
  if (has_immediate && info_.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return;
  if (has_immediate && immediate.offset != head_length_ + displacement.size / 8) return;
  Slot& slot = slot_of(head_);
  slot = {.head = head_,
          .head_length = static_cast<uint8_t>(head_length_),
          .operand_count = instruction.operand_count,
          .displaced = displaced,
          .immediate = immediate_operand,
          .info = info_,
          .operands = {}};
  std::copy_n(operands_, instruction.operand_count, slot.operands);
}

}  // namespace vbpf::verifier
