// SPDX-License-Identifier: Apache-2.0
#include "sfi/rewriter.h"

#include <algorithm>
#include <array>
#include <optional>

#include "sfi/program.h"

namespace vbpf::sfi {
namespace {

struct Refused {
  std::string_view name;  // with any size suffix
  const char* why;
};

// What no rewriting makes fit, and why. Whatever else is forbidden in every variant is the verifier's to refuse.
constexpr std::array kRefused = {
    Refused{"ret", "returns go through the loader's thunk, which pops no arguments"},
    Refused{"xlat", "reaches memory without an operand that could be confined: use mov"},
    Refused{"xlatb", "reaches memory without an operand that could be confined: use mov"},
    Refused{"enter", "moves %rsp by way of memory: use push, mov and sub"},
    Refused{"maskmovdqu", "reaches memory without an operand that could be confined: use pblendvb and movdqu"},
    Refused{"maskmovq", "reaches memory without an operand that could be confined"},
    Refused{"vmaskmovdqu", "reaches memory without an operand that could be confined: use vpmaskmovd"},
};

// Directives that would hide instructions from this pass or change their meaning.
constexpr std::array<std::string_view, 14> kRefusedDirectives = {
    ".intel_syntax", ".macro",     ".altmacro",          ".rept",   ".rep",
    ".irp",          ".irpc",      ".include",           ".incbin", ".code16",
    ".code32",       ".code16gcc", ".bundle_align_mode", ".org"};

bool is_branch(const Statement& statement) {
  return statement.mnemonic.starts_with('j') || is_mnemonic(statement.mnemonic, "call") ||
         statement.mnemonic.starts_with("loop") || statement.mnemonic == "xbegin";
}

class Rewriter {
 public:
  explicit Rewriter(std::string_view text) {
    program_.statements = parse_assembly(text);
    for (size_t i = 0; i < program_.statements.size(); ++i)
      if (program_.statements[i].kind == Statement::Kind::label)
        program_.labels.emplace(program_.statements[i].text, i);
  }

  RewriteResult run() {
    RewriteResult result;
    for (size_t i = 0; i < program_.statements.size(); ++i) {
      const Statement& statement = program_.statements[i];
      rewrite(statement, i);
      const std::string reason = output_.take_error();
      if (reason.empty()) continue;
      result.errors.push_back("line " + std::to_string(statement.line) + ": `" + one_line(statement.text) +
                              "`: " + reason + (statement.source.empty() ? "" : " (" + statement.source + ")"));
    }
    if (!result.errors.empty()) return result;
    for (const std::string& line : output_.lines()) result.assembly += line + '\n';
    return result;
  }

 private:
  static std::string one_line(std::string text) {
    for (char& c : text)
      if (c == '\t' || c == '\n') c = ' ';
    return text;
  }

  void rewrite(const Statement& statement, size_t index) {
    switch (statement.kind) {
      case Statement::Kind::label:
        return output_.label(statement.text);
      case Statement::Kind::directive:
        if (std::find(kRefusedDirectives.begin(), kRefusedDirectives.end(), statement.mnemonic) !=
            kRefusedDirectives.end())
          output_.fail("this directive is not available to SFI: write the instructions out in AT&T syntax");
        return output_.line(statement.text);
      case Statement::Kind::instruction:
        return rewrite_instruction(statement, index);
    }
  }

  void rewrite_instruction(const Statement& statement, size_t index) {
    if (statement.mnemonic.empty()) return output_.fail("a prefix must stand with its instruction");
    if (is_return(statement)) return output_.line("jmp\t" + std::string(return_thunk));
    for (const Refused& refused : kRefused)
      if (is_mnemonic(statement.mnemonic, refused.name)) return output_.fail(refused.why);
    if (is_branch(statement)) return rewrite_branch(statement);
    if (is_mnemonic(statement.mnemonic, "nop")) return rewrite_nop(statement);
    Instruction instruction{statement, index, {}};
    for (const std::string& text : statement.operands) {
      std::optional<Operand> operand = parse_operand(text);
      if (!operand) return output_.fail("this operand cannot be read");
      instruction.operands.push_back(std::move(*operand));
    }
    if (is_tzcnt(statement)) return rewrite_memory(instruction);
    if (is_string_instruction(instruction)) return expand_string(program_, instruction, output_);
    if (!check_prefixes(statement)) return;
    if (is_bit_string_instruction(instruction)) return expand_bit_string(instruction, output_);
    if (is_mnemonic(statement.mnemonic, "leave")) return rewrite_leave(program_, instruction, output_);
    if (writes_stack_pointer(instruction)) return rewrite_stack_write(program_, instruction, output_);
    rewrite_memory(instruction);
  }

  void rewrite_branch(const Statement& statement) {
    if (statement.operands.size() == 1 && statement.operands[0].starts_with('*'))
      return output_.fail("indirect branches go through the loader's thunks: compile with -mretpoline-external-thunk");
    if (!statement.prefixes.empty()) return output_.fail("a branch must not have a prefix");
    output_.line(statement.text);
  }

  // `rep nop` is how old code writes pause; other nops access nothing, whatever their operand.
  void rewrite_nop(const Statement& statement) {
    const bool pause =
        !statement.prefixes.empty() && statement.prefixes[0].starts_with("rep") && statement.operands.empty();
    output_.line(pause ? "pause" : statement.text);
  }

  // Clang writes tzcnt so where it would be bsf on older CPUs and either will do.
  static bool is_tzcnt(const Statement& statement) {
    return statement.prefixes.size() == 1 && statement.prefixes[0] == "rep" && is_mnemonic(statement.mnemonic, "bsf");
  }

  bool check_prefixes(const Statement& statement) {
    for (const std::string& prefix : statement.prefixes) {
      if (prefix == "lock" || prefix[0] == '{') continue;
      output_.fail("prefix " + prefix + " is not available to SFI");
      return false;
    }
    return true;
  }

  // Every memory operand in its confined form. lea computes an address and accesses nothing.
  void rewrite_memory(const Instruction& instruction) {
    const Statement& statement = instruction.statement;
    const bool is_lea = is_mnemonic(statement.mnemonic, "lea");
    bool changed = false;
    std::string operands;
    for (const Operand& operand : instruction.operands) {
      std::string text = operand.text;
      if (operand.kind == Operand::Kind::indirect) return output_.fail("an indirect operand outside a branch");
      if (operand.is_memory() && (!is_lea || !operand.segment.empty())) {
        if (statement.mnemonic.starts_with("movabs"))
          return output_.fail("64-bit absolute addresses cannot be confined");
        Confined confined = confine(operand);
        if (!confined.error.empty()) return output_.fail(std::move(confined.error));
        changed |= confined.text != text;
        text = std::move(confined.text);
      }
      operands += (operands.empty() ? "\t" : ", ") + text;
    }
    if (!changed) return output_.line(statement.text);
    std::string text;
    for (const std::string& prefix : statement.prefixes) text += prefix + ' ';
    output_.line(text + statement.mnemonic + operands);
  }

  Program program_;
  Output output_;
};

}  // namespace

bool is_return(const Statement& statement) {
  const bool plain =
      statement.prefixes.empty() || (statement.prefixes.size() == 1 && statement.prefixes[0].starts_with("rep"));
  return is_mnemonic(statement.mnemonic, "ret") && statement.operands.empty() && plain;
}

std::string use_return_thunk(std::string_view att_assembly) {
  std::string assembly;
  for (const Statement& statement : parse_assembly(att_assembly)) {
    if (statement.kind == Statement::Kind::label)
      assembly += statement.text + ":\n";
    else if (statement.kind == Statement::Kind::instruction && is_return(statement))
      assembly.append("\tjmp\t").append(return_thunk).append("\n");
    else
      assembly += '\t' + statement.text + '\n';
  }
  return assembly;
}

RewriteResult rewrite(std::string_view att_assembly) { return Rewriter(att_assembly).run(); }

}  // namespace vbpf::sfi
