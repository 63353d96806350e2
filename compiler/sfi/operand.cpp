// SPDX-License-Identifier: Apache-2.0
#include "sfi/operand.h"

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdlib>

#include "sfi/lexer.h"

namespace vbpf::sfi {
namespace {

struct Names {
  std::string_view q, l, w, b;
};
constexpr std::array<Names, 16> kRegisters = {{{"rax", "eax", "ax", "al"},
                                               {"rbx", "ebx", "bx", "bl"},
                                               {"rcx", "ecx", "cx", "cl"},
                                               {"rdx", "edx", "dx", "dl"},
                                               {"rsi", "esi", "si", "sil"},
                                               {"rdi", "edi", "di", "dil"},
                                               {"rbp", "ebp", "bp", "bpl"},
                                               {"rsp", "esp", "sp", "spl"},
                                               {"r8", "r8d", "r8w", "r8b"},
                                               {"r9", "r9d", "r9w", "r9b"},
                                               {"r10", "r10d", "r10w", "r10b"},
                                               {"r11", "r11d", "r11w", "r11b"},
                                               {"r12", "r12d", "r12w", "r12b"},
                                               {"r13", "r13d", "r13w", "r13b"},
                                               {"r14", "r14d", "r14w", "r14b"},
                                               {"r15", "r15d", "r15w", "r15b"}}};

std::string without_percent(std::string_view text) {
  if (text.starts_with('%')) text.remove_prefix(1);
  return std::string(text);
}

// The '(' that opens the group `text` ends with; npos if the text ends with none.
size_t last_group(std::string_view text) {
  if (!text.ends_with(')')) return std::string_view::npos;
  int depth = 0;
  for (size_t at = text.size(); at-- > 0;) {
    if (text[at] == ')') ++depth;
    if (text[at] == '(' && --depth == 0) return at;
  }
  return std::string_view::npos;
}

// Fills base, index and scale from "%rax,%rcx,8". False when it is an expression in parentheses instead.
bool parse_group(std::string_view group, Operand& operand) {
  if (group.find('%') == std::string_view::npos && group.find(',') == std::string_view::npos) return false;
  std::array<std::string*, 3> fields = {&operand.base, &operand.index, &operand.scale};
  for (std::string* field : fields) {
    const size_t comma = group.find(',');
    *field = without_percent(trim(group.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    group.remove_prefix(comma + 1);
  }
  return true;
}

Operand parse_memory(std::string_view text) {
  Operand operand;
  operand.kind = Operand::Kind::memory;
  operand.text = text;
  if (text.starts_with('%')) {
    const size_t colon = text.find(':');
    operand.segment = without_percent(trim(text.substr(0, colon)));
    text = trim(text.substr(colon + 1));
  }
  if (const size_t brace = text.find('{'); brace != std::string_view::npos) {
    operand.suffix = trim(text.substr(brace));
    text = trim(text.substr(0, brace));
  }
  const size_t open = last_group(text);
  if (open != std::string_view::npos && parse_group(text.substr(open + 1, text.size() - open - 2), operand))
    text = trim(text.substr(0, open));
  operand.displacement = text;
  return operand;
}

// A register's name for 32-bit addressing; empty if it cannot be an address.
std::string address_register(std::string_view name) {
  if (name == "riz" || name == "eiz") return "eiz";
  return register_bits(name) >= 32 ? register_as(name, 32) : std::string();
}

Confined without_registers(const Operand& memory) {
  if (!names_symbol(memory.displacement)) return {"%gs:" + memory.displacement + "(,%eiz)" + memory.suffix, {}};
  return {memory.displacement + "(%rip)" + memory.suffix, {}};
}

}  // namespace

std::optional<Operand> parse_operand(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::nullopt;
  Operand operand;
  operand.text = text;
  if (text[0] == '$') return operand;
  if (text[0] == '*') {
    operand.kind = Operand::Kind::indirect;
    return operand;
  }
  if (text[0] == '{') return operand;  // {sae}, {rn-sae}
  if (text[0] == '%' && text.find(':') == std::string_view::npos) {
    operand.kind = Operand::Kind::reg;
    operand.name = trim(text.substr(1, text.find('{') - 1));
    return operand;
  }
  return parse_memory(text);
}

std::optional<int64_t> parse_number(std::string_view text) {
  const std::string number(trim(text));
  if (number.empty()) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const int64_t value = std::strtoll(number.c_str(), &end, 0);
  if (errno != 0 || *end != '\0') return std::nullopt;
  return value;
}

bool names_symbol(std::string_view expression) {
  for (size_t at = 0; at < expression.size(); ++at) {
    const unsigned char c = static_cast<unsigned char>(expression[at]);
    if (std::isdigit(c) != 0) {  // a number: skip its hexadecimal digits
      while (at + 1 < expression.size() && std::isalnum(static_cast<unsigned char>(expression[at + 1])) != 0) ++at;
      continue;
    }
    if (std::isalpha(c) != 0 || c == '_' || c == '.' || c == '"' || c == '$') return true;
  }
  return false;
}

std::string register_as(std::string_view reg_name, unsigned bits) {
  for (const Names& names : kRegisters) {
    if (reg_name != names.q && reg_name != names.l && reg_name != names.w && reg_name != names.b) continue;
    return std::string(bits == 64 ? names.q : bits == 32 ? names.l : bits == 16 ? names.w : names.b);
  }
  return {};
}

unsigned register_bits(std::string_view reg_name) {
  for (const Names& names : kRegisters) {
    if (reg_name == names.q) return 64;
    if (reg_name == names.l) return 32;
    if (reg_name == names.w) return 16;
    if (reg_name == names.b) return 8;
  }
  return 0;
}

bool is_stack_pointer(const Operand& operand) {
  return operand.kind == Operand::Kind::reg && register_as(operand.name, 64) == "rsp";
}

Confined confine(const Operand& memory) {
  if (memory.segment == "fs")
    return {{}, "thread-local storage is not available to extensions: use a global (each instance has its own)"};
  if (!memory.segment.empty())
    return {{}, "segment overrides are not available to extensions: the region is reached through %gs"};
  if (memory.base == "eip") return {{}, "32-bit RIP-relative addressing cannot be confined: use (%rip)"};
  if (memory.base == "rip") return {memory.text, {}};
  if (memory.base.empty() && memory.index.empty()) return without_registers(memory);
  if (names_symbol(memory.displacement))
    return {{}, "a symbol's absolute address with a register is not position-independent: use lea symbol(%rip) first"};
  std::string base = memory.base.empty() ? std::string() : address_register(memory.base);
  std::string index = memory.index.empty() ? std::string() : address_register(memory.index);
  if (!memory.index.empty() && index.empty() && register_bits(memory.index) == 0)
    return {{}, "gathers and scatters cannot be confined: compile with -mno-gather"};
  if ((!memory.base.empty() && base.empty()) || (!memory.index.empty() && index.empty()))
    return {{}, "not an address register"};
  std::string text = "%gs:" + memory.displacement + '(';
  if (!base.empty()) text += '%' + base;
  if (!index.empty()) text += ",%" + index;
  if (!memory.scale.empty()) text += ',' + memory.scale;
  return {text + ')' + memory.suffix, {}};
}

}  // namespace vbpf::sfi
