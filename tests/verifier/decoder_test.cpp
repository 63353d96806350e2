// SPDX-License-Identifier: Apache-2.0
// What the decoder remembers is what it would have decoded: every encoding again with other displacements and
// immediates, field by field.
#include "decoder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "encodings.h"

namespace vbpf::verifier::test {
namespace {

constexpr uint64_t text_size = 1 << 20;

struct Decoded {
  bool valid = false;
  ZydisDecodedInstruction info;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

// Everything, padding and unused bytes of unions apart.
std::string difference(const Instruction& got, const Decoded& fresh) {
  const ZydisDecodedInstruction &a = *got.info, &b = fresh.info;
  if (a.mnemonic != b.mnemonic || a.length != b.length || a.encoding != b.encoding || a.opcode_map != b.opcode_map ||
      a.opcode != b.opcode || a.operand_width != b.operand_width || a.address_width != b.address_width ||
      a.operand_count != b.operand_count || a.operand_count_visible != b.operand_count_visible ||
      a.attributes != b.attributes || a.meta.category != b.meta.category || a.meta.branch_type != b.meta.branch_type)
    return "instruction";
  if (std::memcmp(&a.raw.modrm, &b.raw.modrm, sizeof(a.raw.modrm)) != 0) return "modrm";
  if (a.raw.prefix_count != b.raw.prefix_count) return "prefix count";
  for (size_t i = 0; i < a.raw.prefix_count; ++i)
    if (a.raw.prefixes[i].type != b.raw.prefixes[i].type || a.raw.prefixes[i].value != b.raw.prefixes[i].value)
      return "prefixes";
  if (a.raw.disp.value != b.raw.disp.value || a.raw.disp.size != b.raw.disp.size) return "raw displacement";
  if (a.raw.imm[0].value.u != b.raw.imm[0].value.u || a.raw.imm[0].size != b.raw.imm[0].size) return "raw immediate";
  for (size_t i = 0; i < got.operand_count; ++i) {
    const ZydisDecodedOperand &x = got.operands[i], &y = fresh.operands[i];
    if (x.type != y.type || x.visibility != y.visibility || x.actions != y.actions || x.size != y.size)
      return "operand";
    bool same = true;
    if (x.type == ZYDIS_OPERAND_TYPE_REGISTER) same = x.reg.value == y.reg.value;
    if (x.type == ZYDIS_OPERAND_TYPE_MEMORY)
      same = x.mem.type == y.mem.type && x.mem.segment == y.mem.segment && x.mem.base == y.mem.base &&
             x.mem.index == y.mem.index && x.mem.scale == y.mem.scale &&
             x.mem.disp.has_displacement == y.mem.disp.has_displacement && x.mem.disp.value == y.mem.disp.value;
    if (x.type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
      same = x.imm.is_signed == y.imm.is_signed && x.imm.is_relative == y.imm.is_relative &&
             x.imm.value.u == y.imm.value.u;
    if (!same) return "value of operand " + std::to_string(i);
  }
  return {};
}

class Checker {
 public:
  explicit Checker(Variant variant) : remembering_(variant, text_size) {
    ZydisDecoderInit(&zydis_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  void check(Code code) {
    code.resize(code.size() + ZYDIS_MAX_INSTRUCTION_LENGTH);
    Instruction first;
    if (!decode(code, first)) return;
    remembering_.remember(first);
    const size_t length = first.info->length, values = first.info->raw.disp.size / 8 + first.info->raw.imm[0].size / 8;
    for (int round = 0; round < 3; ++round) {
      for (size_t i = length - values; i < length; ++i) code[i] = static_cast<uint8_t>(random_());
      Instruction again;
      if (!decode(code, again)) return;
      remembered += again.known ? 1 : 0;
    }
  }

  size_t remembered = 0;

 private:
  // Decodes in both ways; false if they are no instruction or differ.
  bool decode(const Code& code, Instruction& instruction) {
    Decoded fresh;
    fresh.valid = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zydis_, code.data(), code.size(), &fresh.info, fresh.operands));
    const bool valid = remembering_.decode(reinterpret_cast<const std::byte*>(code.data()), code.size(), instruction);
    if (valid && fresh.valid) {
      const std::string what = difference(instruction, fresh);
      if (what.empty()) return true;
      report(code, "differ in " + what);
    } else if (valid != fresh.valid) {
      report(code, "one decodes, the other does not");
    }
    return false;
  }

  static void report(const Code& code, const std::string& what) {
    std::string bytes;
    for (size_t i = 0; i < ZYDIS_MAX_INSTRUCTION_LENGTH; ++i) bytes += ' ' + std::to_string(code[i]);
    ADD_FAILURE() << what << ':' << bytes;
  }

  Decoder remembering_;
  ZydisDecoder zydis_;
  std::minstd_rand random_{1};
};

class DecoderTest : public testing::TestWithParam<Variant> {};

TEST_P(DecoderTest, RemembersWhatItWouldDecode) {
  Checker checker(GetParam());
  const Code sfi_prefixes = {0x65, 0x67};
  for_each_legacy_encoding([&](const Code& code) { checker.check(code); });
  for_each_legacy_encoding([&](const Code& code) { checker.check(code); }, sfi_prefixes);
  for_each_vex_encoding({}, [&](const Code& code) { checker.check(code); });
  for_each_vex_encoding(sfi_prefixes, [&](const Code& code) { checker.check(code); });
  EXPECT_GT(checker.remembered, 100000u);  // else this tests nothing
}
INSTANTIATE_TEST_SUITE_P(, DecoderTest, testing::Values(Variant::user, Variant::sfi),
                         [](const auto& info) { return info.param == Variant::user ? "User" : "Sfi"; });

TEST(DecoderMemory, KnowsOnlyTheSameHead) {
  Decoder decoder(Variant::user, text_size);
  Instruction instruction;
  auto decode = [&](Code code) {
    static Code bytes;
    bytes = std::move(code);
    bytes.resize(32);
    EXPECT_TRUE(decoder.decode(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size(), instruction));
    return instruction.known;
  };
  EXPECT_FALSE(decode({0x48, 0x83, 0xc4, 0x08}));  // add $8,%rsp
  EXPECT_FALSE(decode({0x48, 0x83, 0xc4, 0x08}));  // not until told so
  decoder.remember(instruction);
  EXPECT_TRUE(decode({0x48, 0x83, 0xc4, 0x10}));
  EXPECT_EQ(instruction.operands[1].imm.value.u, 0x10u);
  EXPECT_FALSE(decode({0x48, 0x83, 0xec, 0x10}));  // sub
  EXPECT_FALSE(decode({0x4c, 0x83, 0xc4, 0x10}));  // add to %rsp with another prefix
  EXPECT_FALSE(decode({0x83, 0xc4, 0x10}));        // add to %esp
}

TEST(DecoderMemory, DoesNotReachBeyondTheRoom) {
  Decoder decoder(Variant::user, text_size);
  Instruction instruction;
  Code bytes = {0xe8, 1, 2, 3, 4};  // call
  bytes.resize(32);
  const auto* start = reinterpret_cast<const std::byte*>(bytes.data());
  ASSERT_TRUE(decoder.decode(start, bytes.size(), instruction));
  decoder.remember(instruction);
  ASSERT_TRUE(decoder.decode(start, bytes.size(), instruction));
  EXPECT_TRUE(instruction.known);
  EXPECT_FALSE(decoder.decode(start, 4, instruction));
  EXPECT_TRUE(decoder.decode(start, 5, instruction));
}

// 0F 0F: the opcode of 3DNow! stands where immediates do; vblendvps has a register there.
TEST(DecoderMemory, DoesNotRememberWhatHidesInTheImmediate) {
  Decoder decoder(Variant::user, text_size);
  for (Code code : {Code{0x0f, 0x0f, 0xc1, 0x9e}, Code{0xc4, 0xe3, 0x71, 0x4a, 0xc2, 0x30}}) {
    code.resize(32);
    const auto* start = reinterpret_cast<const std::byte*>(code.data());
    Instruction instruction;
    ASSERT_TRUE(decoder.decode(start, code.size(), instruction));
    decoder.remember(instruction);
    ASSERT_TRUE(decoder.decode(start, code.size(), instruction));
    EXPECT_FALSE(instruction.known);
  }
}

}  // namespace
}  // namespace vbpf::verifier::test
