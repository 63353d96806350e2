// SPDX-License-Identifier: Apache-2.0
// Instructions that reach memory without an operand that could be confined become several that have one.
#include <algorithm>
#include <array>
#include <optional>

#include "sfi/program.h"

namespace vbpf::sfi {
namespace {

std::string reg(std::string_view name, unsigned bits) { return '%' + register_as(name, bits); }

unsigned suffix_bits(char suffix) {
  switch (suffix) {
    case 'b':
      return 8;
    case 'w':
      return 16;
    case 'l':
    case 'd':
      return 32;
    case 'q':
      return 64;
    default:
      return 0;
  }
}

// "q" for 64: the suffix that makes the size of a memory access explicit.
char size_suffix(unsigned bits) { return bits == 64 ? 'q' : bits == 32 ? 'l' : bits == 16 ? 'w' : 'b'; }

// The flags as they are, in %ax; restore_flags undoes it. Push and pop leave flags alone.
void save_flags(Output& output) {
  output.line("lahf");
  output.line("seto\t%al");
}
void restore_flags(Output& output) {
  output.line("addb\t$127, %al");
  output.line("sahf");
}

// One element: moves data, advances the pointers; the flags stay as they are.
void copy_element(bool copies, unsigned bits, Output& output) {
  const std::string data = reg("rax", bits), mov = std::string("mov") + size_suffix(bits) + '\t',
                    step = std::to_string(bits / 8);
  if (copies) {
    output.line(mov + "%gs:(%esi), " + data);
    output.line("leaq\t" + step + "(%rsi), %rsi");
  }
  output.line(mov + data + ", %gs:(%edi)");
  output.line("leaq\t" + step + "(%rdi), %rdi");
}

// The direction flag is always clear: std is refused by the verifier, the gates clear it.
void repeat_element(bool copies, unsigned bits, Output& output) {
  const std::string loop = output.fresh_label(), end = output.fresh_label();
  output.line("testq\t%rcx, %rcx");
  output.line("je\t" + end);
  output.label(loop);
  copy_element(copies, bits, output);
  output.line("decq\t%rcx");
  output.line("jne\t" + loop);
  output.label(end);
}

// Registers an expansion may use after saving them.
class Scratch {
 public:
  explicit Scratch(std::vector<std::string> in_use) : in_use_(std::move(in_use)) {}

  std::string take() {
    for (const char* name : {"rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"}) {
      if (std::find(in_use_.begin(), in_use_.end(), name) != in_use_.end()) continue;
      in_use_.emplace_back(name);
      return name;
    }
    return {};
  }

 private:
  std::vector<std::string> in_use_;
};

// The memory operand's address as it was before `pushed` bytes were pushed; empty if it cannot be told.
std::string address_after_push(const Operand& memory, unsigned pushed) {
  if (memory.base != "rsp" && memory.base != "esp") return memory.text;
  const auto displacement = parse_number(memory.displacement.empty() ? "0" : memory.displacement);
  if (!displacement) return {};
  std::string text = std::to_string(*displacement + pushed) + "(%rsp";
  if (!memory.index.empty()) text += ",%" + memory.index + (memory.scale.empty() ? "" : ',' + memory.scale);
  return text + ')';
}

struct BitString {
  std::string operation;  // "bt", "bts", ...
  unsigned bits = 0;
};

std::optional<BitString> bit_string(const Instruction& instruction) {
  for (const char* name : {"bt", "bts", "btr", "btc"}) {
    if (!is_mnemonic(instruction.statement.mnemonic, name) || instruction.operands.size() != 2) continue;
    const Operand& index = instruction.operands[0];
    if (index.kind != Operand::Kind::reg || !instruction.operands[1].is_memory()) return std::nullopt;
    return BitString{name, register_bits(index.name)};
  }
  return std::nullopt;
}

// Reads the word at (word) into %rax, and for all but bt writes it back changed.
void access_word(const BitString& kind, bool locked, const std::string& word, const std::string& index,
                 const std::string& changed, Output& output) {
  const std::string suffix(1, size_suffix(kind.bits)), memory = "%gs:(" + reg(word, 32) + ')';
  output.line("mov" + suffix + '\t' + memory + ", " + reg("rax", kind.bits));
  if (kind.operation == "bt") return;
  const std::string again = output.fresh_label();
  output.label(again);
  output.line("movq\t%rax, %" + changed);
  output.line(kind.operation + suffix + '\t' + reg(index, kind.bits) + ", " + reg(changed, kind.bits));
  if (!locked) return output.line("mov" + suffix + '\t' + reg(changed, kind.bits) + ", " + memory);
  output.line("lock\tcmpxchg" + suffix + '\t' + reg(changed, kind.bits) + ", " + memory);
  output.line("jne\t" + again);
}

}  // namespace

bool is_string_instruction(const Instruction& instruction) {
  const std::string& mnemonic = instruction.statement.mnemonic;
  if (mnemonic.size() != 5 || suffix_bits(mnemonic.back()) == 0) return false;
  constexpr std::array<std::string_view, 5> names = {"movs", "stos", "cmps", "scas", "lods"};
  if (std::find(names.begin(), names.end(), mnemonic.substr(0, 4)) == names.end()) return false;
  const auto implicit = [](const Operand& operand) {
    return (operand.is_memory() && operand.displacement.empty() && (operand.base == "rsi" || operand.base == "rdi")) ||
           (operand.kind == Operand::Kind::reg && register_as(operand.name, 64) == "rax");
  };
  // movsd and cmpsd of SSE name a vector register; movsb and movsw of the movs[xz] family a general one as destination.
  const std::vector<Operand>& operands = instruction.operands;
  if (!std::all_of(operands.begin(), operands.end(), implicit)) return false;
  return mnemonic[0] != 'm' || operands.empty() || (operands.size() == 2 && operands[1].is_memory());
}

void expand_string(const Program& program, const Instruction& instruction, Output& output) {
  const Statement& statement = instruction.statement;
  const std::string name = statement.mnemonic.substr(0, 4);
  if (name != "movs" && name != "stos")
    return output.fail("string instructions that compare or load are not available to SFI: write the loop in C++");
  for (const Operand& operand : instruction.operands)
    if (operand.segment == "fs" || operand.segment == "gs") return output.fail(confine(operand).error);
  const bool repeated = !statement.prefixes.empty(), copies = name == "movs";
  if (statement.prefixes.size() > 1 || (repeated && !statement.prefixes[0].starts_with("rep")))
    return output.fail("this prefix is not available to SFI");
  const unsigned bits = suffix_bits(statement.mnemonic.back());
  const bool keep_flags = repeated && flags_live_after(program, instruction.index);
  if (keep_flags) {  // stos needs %rax as it was inside the loop: the flags wait on the stack
    output.line("pushq\t%rax");
    save_flags(output);
    output.line("pushq\t%rax");
    output.line("movq\t%gs:8(%esp), %rax");
  } else if (copies) {
    output.line("pushq\t%rax");
  }
  repeated ? repeat_element(copies, bits, output) : copy_element(copies, bits, output);
  if (keep_flags) {
    output.line("popq\t%rax");
    restore_flags(output);
  }
  if (keep_flags || copies) output.line("popq\t%rax");
}

bool is_bit_string_instruction(const Instruction& instruction) { return bit_string(instruction).has_value(); }

// The word is the one `index / bits` words from the operand, counting down for negative indexes. CF is the bit's old
// value; ZF, which the instruction keeps, is lost: compilers hold it undefined.
void expand_bit_string(const Instruction& instruction, Output& output) {
  const BitString kind = *bit_string(instruction);
  const Operand& memory = instruction.operands[1];
  const std::string given = register_as(instruction.operands[0].name, 64);
  if (const Confined confined = confine(memory); !confined.error.empty()) return output.fail(confined.error);
  const std::vector<std::string>& prefixes = instruction.statement.prefixes;
  if (kind.bits < 16 || given == "rsp" || prefixes.size() > 1 || (!prefixes.empty() && prefixes[0] != "lock"))
    return output.fail("this form of a bit test cannot be confined: use a mask");
  Scratch scratch({"rax", given, register_as(memory.base, 64), register_as(memory.index, 64)});
  const std::string word = scratch.take(), index = scratch.take(), changed = scratch.take();
  const std::array<std::string, 4> saved = {"rax", word, index, changed};
  const std::string address = address_after_push(memory, 8 * saved.size());
  if (address.empty()) return output.fail("this address cannot be read: give the displacement as a number");
  for (const std::string& name : saved) output.line("pushq\t%" + name);
  output.line("leaq\t" + address + ", %" + word);
  const std::string extend = kind.bits == 64 ? "movq" : kind.bits == 32 ? "movslq" : "movswq";
  output.line(extend + '\t' + reg(given, kind.bits) + ", %" + index);
  output.line("movq\t%" + index + ", %" + changed);
  output.line("sarq\t$" + std::to_string(kind.bits == 64 ? 6 : kind.bits == 32 ? 5 : 4) + ", %" + changed);
  output.line("leaq\t(%" + word + ",%" + changed + ',' + std::to_string(kind.bits / 8) + "), %" + word);
  access_word(kind, !prefixes.empty(), word, index, changed, output);
  output.line(std::string("bt") + size_suffix(kind.bits) + '\t' + reg(index, kind.bits) + ", " + reg("rax", kind.bits));
  for (size_t i = saved.size(); i-- > 0;) output.line("popq\t%" + saved[i]);
}

}  // namespace vbpf::sfi
