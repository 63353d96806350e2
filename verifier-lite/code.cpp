// SPDX-License-Identifier: Apache-2.0
// The code: every byte of text, in one straight line, after relocation.
//
// Invariant: execution is always at an address with mark_start. It begins at an entry, a constructor or a marked target
// (all checked to be starts); an instruction goes to the next one, which is a start because the pass is a straight
// line, or to a direct branch's target, which is checked to be a start or a symbol of the loader; returns and indirect
// calls go through the loader's thunks, which accept only what the target map marks. The text ends in a trap.
#include "code.h"

#include <algorithm>
#include <unordered_map>

#include "decoder.h"

namespace vbpf::verifier {
namespace {

constexpr std::string_view compile_hint = "compile with vbpf-clang++; do not write such code by hand";

class CodeChecker {
 public:
  explicit CodeChecker(Unit& unit)
      : unit_(unit),
        text_(*unit.segment(Segment::Kind::text)),
        map_(unit.image.target_map),
        sfi_(unit, return_thunk(unit)),
        decoder_(unit.options.variant, text_.size) {
    ZydisFormatterInit(&formatter_, ZYDIS_FORMATTER_STYLE_ATT);
    for (const External& external : unit.options.externals) externals_.emplace(external.address, external.kind);
  }

  bool run() {
    uint64_t at = text_.address;
    for (uint32_t section : unit_.text_sections) {
      uint64_t begin = unit_.placements[section].address;
      check_padding(at, begin);
      at = begin + unit_.object.sections[section].size;
      if (!for_each_instruction(begin, at, [&] { check(); })) return false;
    }
    check_padding(at, text_.address + text_.size);
    if (!unit_.reporter.any()) check_targets();
    if (unit_.reporter.any()) return false;
    unit_.image.text_size = text_.size;
    return true;
  }

 private:
  static uint64_t return_thunk(const Unit& unit) {
    for (const External& external : unit.options.externals) {
      if (external.kind == External::Kind::return_thunk) return external.address;
    }
    return 0;
  }

  std::byte& map_at(uint64_t address) { return map_[address - text_.address]; }
  bool in_text(uint64_t address) const { return address - text_.address < text_.size; }

  // Decodes [begin, end) in a straight line. An instruction that does not end by `end` does not decode.
  template <typename Visit>
  bool for_each_instruction(uint64_t begin, uint64_t end, Visit visit) {
    const std::byte* bytes = text_.bytes.data();
    for (uint64_t at = begin; at < end && !unit_.reporter.full(); at += current_.info->length) {
      current_.address = at;
      const std::byte* start = bytes + (at - text_.address);
      if (!decoder_.decode(start, end - at, current_)) {
        unit_.reporter.add("code-decode", unit_.place_of(at), "these bytes are no instruction: " + bytes_at(at, end),
                           "only code belongs into executable sections");
        return false;
      }
      visit();
    }
    return !unit_.reporter.full();
  }

  std::string bytes_at(uint64_t at, uint64_t end) const {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (uint64_t i = at; i < end && i < at + ZYDIS_MAX_INSTRUCTION_LENGTH; ++i) {
      auto byte = static_cast<uint8_t>(text_.bytes[i - text_.address]);
      text += {digits[byte >> 4], digits[byte & 15], ' '};
    }
    if (!text.empty()) text.pop_back();
    return text;
  }

  // Between sections and after the last, layout put traps: each is an instruction.
  void check_padding(uint64_t begin, uint64_t end) {
    for (uint64_t at = begin; at < end; ++at) map_at(at) |= std::byte{mark_start};
    if (begin == end || unit_.options.variant != Variant::sfi) return;
    if (Verdict verdict = sfi_.check_end(); !verdict) refuse(verdict.rule, std::string(verdict.message), verdict.hint);
  }

  bool refuse(std::string_view rule, const std::string& message, std::string_view hint) {
    char text[256] = "";
    ZydisFormatterFormatInstruction(&formatter_, current_.info, current_.operands, current_.info->operand_count_visible,
                                    text, sizeof(text), current_.address, nullptr);
    unit_.reporter.add(rule, unit_.place_of(current_.address), message, std::string(hint), text);
    return false;
  }

  void check() {
    map_at(current_.address) |= std::byte{mark_start};
    ++unit_.image.instructions;
    if (!current_.known) {
      if (!check_opcode() || !check_prefixes() || !check_operands()) return;
      decoder_.remember(current_);
    }
    if (!check_flow()) return;
    if (unit_.options.variant != Variant::sfi) return;
    if (Verdict verdict = sfi_.check(current_); !verdict)
      refuse(verdict.rule, std::string(verdict.message), verdict.hint);
  }

  bool check_opcode() {
    const OpcodeClass& opcode_class = class_of(*current_.info);
    if (current_.info->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
        current_.info->encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
      return refuse("code-encoding", "AVX-512 and other encodings than legacy and VEX",
                    "compile without -mavx512*, e.g. -march=x86-64-v3");
    if (!opcode_class.allowed(unit_.options.variant))
      return refuse("code-opcode", std::string(opcode_class.why), opcode_class.hint);
    bool odd_nop = current_.is(ZYDIS_MNEMONIC_NOP) && !current_.is_long_nop() &&
                   !(current_.info->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && current_.info->opcode == 0x90);
    if (odd_nop)
      return refuse("code-encoding", "a reserved form of nop, which newer CPUs give another meaning", compile_hint);
    bool fence =
        current_.is(ZYDIS_MNEMONIC_LFENCE) || current_.is(ZYDIS_MNEMONIC_MFENCE) || current_.is(ZYDIS_MNEMONIC_SFENCE);
    if (fence && current_.info->raw.modrm.rm != 0)
      return refuse("code-encoding", "a reserved form of a fence, which other CPUs may give another meaning",
                    compile_hint);
    if (current_.info->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX && opcode_class.name != "bits")
      unit_.image.uses_avx = unit_.image.uses_vectors = true;  // vzeroall names none
    if (opcode_class.is_float()) unit_.image.uses_float = true;
    return true;
  }

  // Only prefixes that the instruction needs, each once: CPUs differ in what they make of others.
  bool check_prefixes() {
    const auto& raw = current_.info->raw;
    for (size_t i = 0; i < raw.prefix_count; ++i) {
      uint8_t value = raw.prefixes[i].value;
      bool repeated = false;
      for (size_t j = 0; j < i; ++j) repeated |= raw.prefixes[j].value == value;
      // Assemblers lengthen nops with repeated 66 and a CS override.
      if (current_.is_long_nop() && (value == 0x66 || (value == 0x2e && !repeated))) continue;
      if (repeated || raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_IGNORED ||
          !prefix_is_needed(value, raw.prefixes[i].type))
        return refuse("code-prefix", "prefix " + hex(value) + " is not needed here, or is not allowed", compile_hint);
    }
    return true;
  }

  bool prefix_is_needed(uint8_t value, ZydisPrefixType type) const {
    bool sfi = unit_.options.variant == Variant::sfi;
    bool mandatory = type == ZYDIS_PREFIX_TYPE_MANDATORY;
    bool stack = current_.is(ZYDIS_MNEMONIC_PUSH) || current_.is(ZYDIS_MNEMONIC_POP);
    if ((value & 0xf0) == 0x40) return !current_.is_branch();
    switch (value) {
      case 0x66:
        return mandatory || (current_.info->operand_width == 16 && !current_.is_branch() && !stack);
      case 0xf3:
        return mandatory;
      case 0xf2:  // repne has no meaning on string instructions that do not compare
        return mandatory && (!is_string() || is_string_compare());
      case 0xf0:
        return current_.info->attributes & ZYDIS_ATTRIB_HAS_LOCK;
      case 0x65:
        return sfi && has_explicit_memory();
      case 0x67:
        return sfi && has_explicit_memory() && current_.info->address_width == 32;
      default:
        return false;
    }
  }

  bool is_string() const { return current_.info->meta.category == ZYDIS_CATEGORY_STRINGOP; }

  bool is_string_compare() const {
    uint8_t opcode = current_.info->opcode & 0xfe;
    return opcode == 0xa6 || opcode == 0xae;  // cmps, scas
  }

  bool has_explicit_memory() const {
    for (size_t i = 0; i < current_.info->operand_count_visible; ++i) {
      if (current_.operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY) return true;
    }
    return false;
  }

  // General, XMM and YMM registers only: no segment, control, debug, MMX, x87, mask or bound register. In the kernel
  // variant general ones alone, whatever the list of opcodes says.
  bool check_operands() {
    for (size_t i = 0; i < current_.info->operand_count_visible; ++i) {
      const ZydisDecodedOperand& operand = current_.operands[i];
      if (operand.type == ZYDIS_OPERAND_TYPE_POINTER) return refuse("code-opcode", "a far branch", compile_hint);
      if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
      switch (ZydisRegisterGetClass(operand.reg.value)) {
        case ZYDIS_REGCLASS_GPR8:
        case ZYDIS_REGCLASS_GPR16:
        case ZYDIS_REGCLASS_GPR32:
        case ZYDIS_REGCLASS_GPR64:
          continue;
        case ZYDIS_REGCLASS_XMM:
        case ZYDIS_REGCLASS_YMM:
          if (unit_.options.variant == Variant::kernel) break;
          unit_.image.uses_vectors = true;
          continue;
        default:
          break;
      }
      return refuse("code-register",
                    "register %" + std::string(ZydisRegisterGetString(operand.reg.value)) + " may not be used",
                    compile_hint);
    }
    return true;
  }

  bool check_flow() {
    const ZydisDecodedOperand& operand = current_.operands[0];
    if (current_.is(ZYDIS_MNEMONIC_LEA)) mark_address_taken();
    if (!current_.is_branch()) return true;
    if (operand.type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !operand.imm.is_relative)
      return refuse("code-indirect", "an indirect branch",
                    "compile with -mretpoline-external-thunk (vbpf-clang++ does)");
    if (current_.is(ZYDIS_MNEMONIC_CALL)) map_at(current_.next()) |= std::byte{VBPF_TARGET_RETURN};
    uint64_t target = current_.next() + operand.imm.value.u;
    if (in_text(target)) {
      map_at(target) |= std::byte{mark_branch};
      return true;
    }
    auto external = externals_.find(target);
    if (external == externals_.end() || external->second == External::Kind::data)
      return refuse(
          "code-branch",
          "branches to " + hex(target) + ", which is neither code of the extension nor a function of the host",
          compile_hint);
    if (external->second == External::Kind::return_thunk && !current_.is(ZYDIS_MNEMONIC_JMP))
      return refuse("code-branch", "only jmp may go to the return thunk", compile_hint);
    return true;
  }

  // lea f(%rip): f may be called through the indirect thunks.
  void mark_address_taken() {
    const ZydisDecodedOperand& operand = current_.operands[1];
    if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || operand.mem.base != ZYDIS_REGISTER_RIP) return;
    uint64_t target = current_.next() + static_cast<uint64_t>(operand.mem.disp.value);
    if (in_text(target)) map_at(target) |= std::byte{VBPF_TARGET_ENTRY};
  }

  // Everything that is jumped to is an instruction. Marks of this pass are removed.
  void check_targets() {
    for (const Entry& entry : unit_.image.entries) check_entry("entry-place", entry.address);
    for (uint64_t constructor : unit_.image.constructors) check_entry("entry-constructor", constructor);
    uint8_t bad = 0;
    for (std::byte& mark : map_) {
      auto value = static_cast<uint8_t>(mark);
      bool start = value & mark_start;
      bad |= start ? 0 : value & mark_branch;
      mark = std::byte(start ? value & (VBPF_TARGET_RETURN | VBPF_TARGET_ENTRY) : 0);
    }
    if (bad != 0) report_bad_branches();
  }

  void check_entry(std::string_view rule, uint64_t address) {
    if ((map_at(address) & std::byte{mark_start}) != std::byte{0}) return;
    unit_.reporter.add(rule, unit_.place_of(address), "not the start of an instruction", "the file is damaged");
  }

  // There is a branch into the middle of an instruction: only now find out which. Marks each instruction anew.
  void report_bad_branches() {
    std::vector<bool> starts(text_.size, true);
    auto sweep = [&](auto visit) {
      for (uint32_t section : unit_.text_sections) {
        uint64_t begin = unit_.placements[section].address;
        for_each_instruction(begin, begin + unit_.object.sections[section].size, visit);
      }
    };
    sweep([&] {
      for (uint64_t at = current_.address + 1; at < current_.next(); ++at) starts[at - text_.address] = false;
    });
    sweep([&] {
      if (!current_.is_branch()) return;
      uint64_t target = current_.next() + current_.operands[0].imm.value.u;
      if (in_text(target) && !starts[target - text_.address])
        refuse("code-branch", "branches into the middle of an instruction", compile_hint);
    });
  }

  Unit& unit_;
  const Segment& text_;
  std::vector<std::byte>& map_;
  SfiChecker sfi_;
  std::unordered_map<uint64_t, External::Kind> externals_;
  Decoder decoder_;
  ZydisFormatter formatter_;
  Instruction current_;
};

}  // namespace

bool check_code(Unit& unit) { return CodeChecker(unit).run(); }

}  // namespace vbpf::verifier
