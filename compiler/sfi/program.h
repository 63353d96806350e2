// SPDX-License-Identifier: Apache-2.0
// What the parts of the rewriter share: the program being rewritten and the lines written for it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sfi/lexer.h"
#include "sfi/operand.h"

namespace vbpf::sfi {

struct Program {
  std::vector<Statement> statements;
  std::unordered_map<std::string, size_t> labels;  // statement of each label that is not a number
};

// An instruction with its operands read.
struct Instruction {
  const Statement& statement;
  size_t index = 0;  // in the program
  std::vector<Operand> operands;
};

class Output {
 public:
  void line(std::string text) { lines_.push_back('\t' + std::move(text)); }
  void label(const std::string& name) { lines_.push_back(name + ':'); }
  void fail(std::string reason) {
    if (error_.empty()) error_ = std::move(reason);
  }
  std::string fresh_label() { return ".Lvbpf_sfi_" + std::to_string(labels_++); }

  // The reason given since the last call, empty if none.
  std::string take_error() { return std::exchange(error_, {}); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
  std::string error_;
  unsigned labels_ = 0;
};

inline constexpr std::string_view return_thunk = "__x86_return_thunk";

// A plain return. Clang leaves them in functions it makes itself (this-adjusting thunks, the caller of global
// constructors) whatever -mfunction-return says.
bool is_return(const Statement& statement);

// A mnemonic is `name` with or without a size suffix (b, w, l, q).
bool is_mnemonic(std::string_view mnemonic, std::string_view name);

// Whether something may read the arithmetic flags as statement `index` leaves them. Errs towards true.
bool flags_live_after(const Program& program, size_t index);

// Whether the instruction writes the stack pointer other than as push, pop and call do.
bool writes_stack_pointer(const Instruction& instruction);
// Rules of docs/sfi.md, "Stack pointer".
void rewrite_stack_write(const Program& program, const Instruction& instruction, Output& output);
void rewrite_leave(const Program& program, const Instruction& instruction, Output& output);

// movs, stos, cmps, scas, lods: not their namesakes of SSE.
bool is_string_instruction(const Instruction& instruction);
void expand_string(const Program& program, const Instruction& instruction, Output& output);

// bt, bts, btr, btc with a register and memory: reach memory beyond the operand.
bool is_bit_string_instruction(const Instruction& instruction);
void expand_bit_string(const Instruction& instruction, Output& output);

}  // namespace vbpf::sfi
