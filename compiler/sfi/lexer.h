// SPDX-License-Identifier: Apache-2.0
// Assembly text as a list of statements.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vbpf::sfi {

struct Statement {
  enum class Kind { label, directive, instruction } kind = Kind::instruction;
  unsigned line = 0;
  std::string text;                   // without comments; a label without its colon
  std::vector<std::string> prefixes;  // instruction: "lock", "rep", ...
  std::string mnemonic;               // instruction or directive, in lower case
  std::vector<std::string> operands;  // instruction: split at top-level commas
  std::string source;                 // instruction: "file.cpp:12" when the last .loc says so
};

// Comments are dropped, strings kept; statements end at newlines and semicolons. A prefix written as a statement of its
// own (`rep; movsb`) is joined to the instruction that follows it.
std::vector<Statement> parse_assembly(std::string_view text);

// Splits at commas that are in no parentheses, braces or strings; pieces are trimmed.
std::vector<std::string> split_operands(std::string_view text);

std::string_view trim(std::string_view text);

}  // namespace vbpf::sfi
