// SPDX-License-Identifier: Apache-2.0
// Operands of one instruction in AT&T syntax.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vbpf::sfi {

struct Operand {
  enum class Kind { immediate, reg, memory, indirect } kind = Kind::immediate;
  std::string text;                // as written
  std::string name;                // register: without percent sign and mask
  std::string segment;             // memory: "fs", or empty
  std::string displacement;        // memory: an expression, may be empty
  std::string base, index, scale;  // memory: registers without '%'; may be empty
  std::string suffix;              // memory: "{%k1}", "{1to8}"
  bool is(std::string_view reg_name) const { return kind == Kind::reg && name == reg_name; }
  bool is_memory() const { return kind == Kind::memory; }
  bool rip_relative() const { return base == "rip" || base == "eip"; }
};

// Nothing when the text cannot be read; never for what Clang writes. Branch targets are not operands in this sense.
std::optional<Operand> parse_operand(std::string_view text);

// A number, as Clang and people write them: "-8", "0x40". Nothing for expressions and symbols.
std::optional<int64_t> parse_number(std::string_view text);

// Whether an expression names a symbol.
bool names_symbol(std::string_view expression);

// The name of a general register at another width: register_as("r8", 32) is "r8d", register_as("eax", 64) is "rax".
// Empty if the name is none of a general register.
std::string register_as(std::string_view reg_name, unsigned bits);
// 8, 16, 32 or 64 for a general register, 0 for anything else.
unsigned register_bits(std::string_view reg_name);

// The stack pointer at any width.
bool is_stack_pointer(const Operand& operand);

struct Confined {
  std::string text;   // the operand to write
  std::string error;  // or why there is none
};

// The form of a memory operand that docs/sfi.md allows; RIP-relative ones stay as they are.
Confined confine(const Operand& memory);

}  // namespace vbpf::sfi
