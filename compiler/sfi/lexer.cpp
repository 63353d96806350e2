// SPDX-License-Identifier: Apache-2.0
#include "sfi/lexer.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace vbpf::sfi {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }
bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$' || c == '@' || c == '?';
}

// Where the string that begins at `at` ends (one past the closing quote).
size_t skip_string(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

// Where the character constant ('x, 'x', '\n') that begins at `at` ends.
size_t skip_character(std::string_view text, size_t at) {
  ++at;
  if (at < text.size() && text[at] == '\\') ++at;
  ++at;
  if (at < text.size() && text[at] == '\'') ++at;
  return std::min(at, text.size());
}

// One piece of text between separators, with the comment that followed it.
struct Piece {
  unsigned line = 0;
  std::string text, comment;
};

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<Piece> split() {
    while (at_ < text_.size()) step();
    finish();
    return std::move(pieces_);
  }

 private:
  void step() {
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '\n') {
      finish();
      ++line_, ++at_;
    } else if (c == ';') {
      finish();
      ++at_;
    } else if (c == '#' || (c == '/' && next == '/')) {
      const size_t end = std::min(text_.find('\n', at_), text_.size());
      current_.comment = trim(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end;
    } else if (c == '/' && next == '*') {
      const size_t close = text_.find("*/", at_ + 2);
      const size_t end = close == std::string_view::npos ? text_.size() : close + 2;
      line_ += static_cast<unsigned>(std::count(text_.begin() + at_, text_.begin() + end, '\n'));
      take(" ");
      at_ = end;
    } else if (c == '"' || c == '\'') {
      const size_t end = c == '"' ? skip_string(text_, at_) : skip_character(text_, at_);
      take(text_.substr(at_, end - at_));
      line_ += static_cast<unsigned>(std::count(text_.begin() + at_, text_.begin() + end, '\n'));
      at_ = end;
    } else {
      take(text_.substr(at_++, 1));
    }
  }

  void take(std::string_view text) {
    if (current_.text.empty()) current_.line = line_;
    current_.text += text;
  }

  void finish() {
    if (!trim(current_.text).empty()) pieces_.push_back(current_);
    current_ = {};
  }

  std::string_view text_;
  size_t at_ = 0;
  unsigned line_ = 1;
  Piece current_;
  std::vector<Piece> pieces_;
};

// The length of `name:` at the start of text, 0 if there is none. The name is put into `name`.
size_t match_label(std::string_view text, std::string& name) {
  size_t end = 0;
  if (!text.empty() && text[0] == '"')
    end = skip_string(text, 0);
  else
    while (end < text.size() && is_name(text[end])) ++end;
  if (end == 0) return 0;
  size_t colon = end;
  while (colon < text.size() && is_space(text[colon])) ++colon;
  if (colon == text.size() || text[colon] != ':') return 0;
  name = text.substr(0, end);
  return colon + 1;
}

bool is_assignment(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && is_name(text[end])) ++end;
  while (end < text.size() && is_space(text[end])) ++end;
  return end < text.size() && text[end] == '=';
}

constexpr std::array kPrefixes = {"lock",   "rep",    "repe",  "repz",     "repne",    "repnz",
                                  "data16", "addr32", "rex64", "xacquire", "xrelease", "cs",
                                  "ds",     "es",     "fs",    "gs",       "ss",       "notrack"};

// The next word of text; braces, as in {vex3}, are words too.
std::string_view next_word(std::string_view text) {
  size_t end = 0;
  while (end < text.size() && !is_space(text[end])) ++end;
  return text.substr(0, end);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

// "a.cpp:12:3" -> "a.cpp:12"
std::string source_of(std::string_view comment) {
  const size_t column = comment.rfind(':');
  if (column == std::string_view::npos || column == 0) return {};
  const std::string_view place = comment.substr(0, column);
  return place.find(':') == std::string_view::npos ? std::string() : std::string(place);
}

class Parser {
 public:
  std::vector<Statement> parse(std::string_view text) {
    for (const Piece& piece : Splitter(text).split()) add(piece);
    flush_prefixes();
    return std::move(statements_);
  }

 private:
  void add(const Piece& piece) {
    std::string_view rest = trim(piece.text);
    std::string label;
    while (const size_t length = match_label(rest, label)) {
      flush_prefixes();
      Statement statement;
      statement.kind = Statement::Kind::label;
      statement.line = piece.line;
      statement.text = label;
      statements_.push_back(std::move(statement));
      rest = trim(rest.substr(length));
    }
    if (rest.empty()) return;
    if (rest[0] == '.' || is_assignment(rest)) {
      flush_prefixes();
      Statement statement;
      statement.kind = Statement::Kind::directive;
      statement.line = piece.line;
      statement.text = rest;
      statement.mnemonic = lower(next_word(rest));
      if (statement.mnemonic == ".loc") source_ = source_of(piece.comment);
      statements_.push_back(std::move(statement));
      return;
    }
    last_line_ = piece.line;
    push_instruction(piece.line, rest);
  }

  // A prefix with no instruction after it is left to the rewriter to refuse.
  void flush_prefixes() {
    if (!pending_.empty()) finish_instruction(last_line_, "");
  }

  void push_instruction(unsigned line, std::string_view rest) {
    while (!rest.empty()) {
      const std::string word = lower(next_word(rest));
      if (word[0] != '{' && std::find(kPrefixes.begin(), kPrefixes.end(), word) == kPrefixes.end()) break;
      pending_.push_back(word);
      rest = trim(rest.substr(word.size()));
      if (rest.empty()) return;  // joined to the next instruction
    }
    finish_instruction(line, rest);
  }

  void finish_instruction(unsigned line, std::string_view rest) {
    Statement statement;
    statement.line = line;
    statement.source = source_;
    statement.prefixes = std::move(pending_);
    pending_.clear();
    for (const std::string& prefix : statement.prefixes) statement.text += prefix + ' ';
    statement.text += rest;
    statement.mnemonic = lower(next_word(rest));
    statement.operands = split_operands(trim(rest.substr(statement.mnemonic.size())));
    statements_.push_back(std::move(statement));
  }

  std::vector<Statement> statements_;
  std::vector<std::string> pending_;
  std::string source_;
  unsigned last_line_ = 0;
};

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> split_operands(std::string_view text) {
  std::vector<std::string> operands;
  size_t start = 0;
  int depth = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    if (c == '\'') {
      at = skip_character(text, at);
      continue;
    }
    if (c == '(' || c == '{') ++depth;
    if (c == ')' || c == '}') --depth;
    if (c == ',' && depth == 0) {
      operands.emplace_back(trim(text.substr(start, at - start)));
      start = at + 1;
    }
    ++at;
  }
  if (!trim(text.substr(start)).empty()) operands.emplace_back(trim(text.substr(start)));
  return operands;
}

std::vector<Statement> parse_assembly(std::string_view text) { return Parser().parse(text); }

}  // namespace vbpf::sfi
