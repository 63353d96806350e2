// SPDX-License-Identifier: Apache-2.0
// Writes of %rsp become steps with a probe, or resets (docs/sfi.md).
#include <array>

#include "sfi/program.h"
#include "vbpf/abi.h"

namespace vbpf::sfi {
namespace {

const std::string kRestoreUpperHalf = "orq\t%gs:" + std::to_string(VBPF_OFF_INFO) + "(,%eiz), %rsp";

bool is_transparent(const Statement& statement) {
  return statement.kind == Statement::Kind::label || statement.mnemonic.starts_with(".cfi_") ||
         statement.mnemonic == ".loc";
}

// Whether the instruction after `index` accesses (%rsp) first of all, and is written as it stands.
bool probe_follows(const Program& program, size_t index) {
  for (size_t at = index + 1; at < program.statements.size(); ++at) {
    const Statement& next = program.statements[at];
    if (is_transparent(next)) continue;
    if (next.kind == Statement::Kind::instruction && is_return(next)) return true;
    if (next.kind != Statement::Kind::instruction || !next.prefixes.empty() || next.operands.size() != 1) return false;
    const std::string& operand = next.operands[0];
    if (is_mnemonic(next.mnemonic, "push") || is_mnemonic(next.mnemonic, "pop"))
      return register_bits(operand.substr(1)) == 64 && operand != "%rsp";
    if (is_mnemonic(next.mnemonic, "call")) return !operand.starts_with('*');
    return is_mnemonic(next.mnemonic, "jmp") && operand == return_thunk;
  }
  return false;
}

void probe(const Program& program, size_t index, Output& output) {
  if (probe_follows(program, index)) return;
  if (flags_live_after(program, index)) {  // there is no red zone: nothing lives below %rsp
    output.line("pushq\t%rax");
    output.line("popq\t%rax");
  } else {
    output.line("cmpb\t$0, (%rsp)");
  }
}

// A reset by an instruction that writes flags itself.
void arithmetic_reset(const Program& program, size_t index, const std::string& text, Output& output) {
  if (flags_live_after(program, index))
    return output.fail("%rsp is written where the flags are needed: compare after the write");
  output.line(text);
  output.line(kRestoreUpperHalf);
}

// %rsp = address(displacement), where the code counts on the flags: they travel in %ax, which is kept below the new
// %rsp.
void reset_keeping_flags(const Operand& address, const std::string& set_esp, Output& output) {
  const std::string& base = address.base;
  const auto displacement = parse_number(address.displacement.empty() ? "0" : address.displacement);
  const bool copy = base == "rax" && address.index.empty() && displacement == 0;  // then %rcx carries the new %rsp
  if (!displacement || base == "rsp" || base.empty() || (!copy && (base == "rax" || address.index == "rax")))
    return output.fail("%rsp is written where the flags are needed: compare after the write");
  Operand slot = address;
  slot.displacement = std::to_string(*displacement - 8);
  const std::string kept = copy ? "%rcx" : "%rax";
  output.line("movq\t" + kept + ", " + confine(slot).text);
  if (copy) output.line("movq\t%rax, %rcx");
  output.line("lahf");
  output.line("seto\t%al");
  output.line(copy ? "movl\t%ecx, %esp" : set_esp);
  output.line(kRestoreUpperHalf);
  output.line("addb\t$127, %al");
  output.line("sahf");
  if (copy) output.line("movq\t%rcx, %rax");
  output.line("movq\t%gs:-8(%esp), " + kept);
}

// %rsp = address, by an instruction that leaves the flags alone.
void neutral_reset(const Program& program, size_t index, const Operand& address, const std::string& set_esp,
                   Output& output) {
  if (flags_live_after(program, index)) return reset_keeping_flags(address, set_esp, output);
  output.line(set_esp);
  output.line(kRestoreUpperHalf);
}

void reset_to_register(const Program& program, size_t index, const std::string& name, Output& output) {
  Operand address;
  address.kind = Operand::Kind::memory;
  address.base = name;
  neutral_reset(program, index, address, "movl\t%" + register_as(name, 32) + ", %esp", output);
}

// %rsp = memory: only a register may be moved to %esp. No register is free, so %rax changes places with the memory, and
// back.
void reset_to_memory(const Program& program, size_t index, const Operand& memory, Output& output) {
  const Confined confined = confine(memory);
  if (!confined.error.empty()) return output.fail(confined.error);
  for (const std::string& used : {memory.base, memory.index})
    if (const std::string full = register_as(used, 64); full == "rax" || full == "rsp")
      return output.fail("%rsp cannot be loaded from this address: load it into a register first");
  const std::string exchange = "xchgq\t%rax, " + confined.text;
  output.line(exchange);
  arithmetic_reset(program, index, "movl\t%eax, %esp", output);
  output.line(exchange);
}

bool is_step(int64_t bytes) { return bytes >= -VBPF_SFI_MAX_STACK_STEP && bytes <= VBPF_SFI_MAX_STACK_STEP; }

bool is_alignment_step(int64_t mask) {
  const uint64_t size = 0 - static_cast<uint64_t>(mask);
  return mask < 0 && size <= VBPF_SFI_MAX_STACK_STEP && (size & (size - 1)) == 0;
}

void rewrite_arithmetic(const Program& program, const Instruction& instruction, const std::string& name,
                        Output& output) {
  const Operand& source = instruction.operands[0];
  if (source.kind == Operand::Kind::reg && register_bits(source.name) == 64) {
    const std::string low = register_as(source.name, 32);
    return arithmetic_reset(program, instruction.index, name + "l\t%" + low + ", %esp", output);
  }
  const auto value = source.kind == Operand::Kind::immediate ? parse_number(source.text.substr(1)) : std::nullopt;
  if (!value) return output.fail("%rsp can only be adjusted by a number known here");
  if (name == "and" ? is_alignment_step(*value) : is_step(*value)) {
    output.line(name + "q\t" + source.text + ", %rsp");
    return probe(program, instruction.index, output);
  }
  arithmetic_reset(program, instruction.index, name + "l\t" + source.text + ", %esp", output);
}

void rewrite_lea(const Program& program, const Instruction& instruction, Output& output) {
  const Operand& address = instruction.operands[0];
  const auto displacement = parse_number(address.displacement.empty() ? "0" : address.displacement);
  if (!address.segment.empty() || !displacement || address.rip_relative() ||
      (address.base.empty() && address.index.empty()))
    return output.fail("%rsp can only be set to an address in registers");
  if (address.base == "rsp" && address.index.empty() && is_step(*displacement)) {
    output.line("leaq\t" + address.text + ", %rsp");
    return probe(program, instruction.index, output);
  }
  const Confined confined = confine(address);
  if (!confined.error.empty()) return output.fail(confined.error);
  const std::string address32 = confined.text.substr(std::string_view("%gs:").size());
  neutral_reset(program, instruction.index, address, "leal\t" + address32 + ", %esp", output);
}

}  // namespace

bool writes_stack_pointer(const Instruction& instruction) {
  const std::string& mnemonic = instruction.statement.mnemonic;
  constexpr std::array<std::string_view, 4> read_only = {"cmp", "test", "bt", "push"};
  for (std::string_view name : read_only)
    if (is_mnemonic(mnemonic, name)) return false;
  constexpr std::array<std::string_view, 4> write_several = {"xchg", "xadd", "mulx", "cmpxchg"};
  bool writes_source = false;
  for (std::string_view name : write_several) writes_source |= is_mnemonic(mnemonic, name);
  const size_t count = instruction.operands.size();
  for (size_t i = 0; i < count; ++i)
    if (is_stack_pointer(instruction.operands[i]) && (writes_source || i + 1 == count)) return true;
  return false;
}

void rewrite_stack_write(const Program& program, const Instruction& instruction, Output& output) {
  const std::string& mnemonic = instruction.statement.mnemonic;
  const std::vector<Operand>& operands = instruction.operands;
  if (operands.size() == 2 && operands[1].is("rsp") && instruction.statement.prefixes.empty()) {
    for (const char* name : {"add", "sub", "and"})
      if (mnemonic == name || mnemonic == std::string(name) + 'q')
        return rewrite_arithmetic(program, instruction, name, output);
    if (is_mnemonic(mnemonic, "lea") && operands[0].is_memory()) return rewrite_lea(program, instruction, output);
    const bool from_register = operands[0].kind == Operand::Kind::reg && register_bits(operands[0].name) == 64;
    if (is_mnemonic(mnemonic, "mov") && operands[0].is("rsp")) return;  // nothing to do
    if (is_mnemonic(mnemonic, "mov") && operands[0].is_memory())
      return reset_to_memory(program, instruction.index, operands[0], output);
    if (is_mnemonic(mnemonic, "mov") && from_register)
      return reset_to_register(program, instruction.index, operands[0].name, output);
  }
  output.fail("this write of the stack pointer cannot be confined: use add, sub, and, lea or mov from a register");
}

void rewrite_leave(const Program& program, const Instruction& instruction, Output& output) {
  reset_to_register(program, instruction.index, "rbp", output);
  output.line("popq\t%rbp");
}

}  // namespace vbpf::sfi
