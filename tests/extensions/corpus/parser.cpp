// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <string_view>

#include "corpus.h"

// Makes an arithmetic expression from the packet, parses it to a tree by recursive descent, and evaluates that.
namespace {
struct Expression {
  char kind = 'n';
  uint64_t number = 0;
  std::unique_ptr<Expression> left, right;

  uint64_t value() const {
    switch (kind) {
      case '+':
        return left->value() + right->value();
      case '-':
        return left->value() - right->value();
      case '*':
        return left->value() * right->value();
      default:
        return number;
    }
  }
};
using Pointer = std::unique_ptr<Expression>;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}
  Pointer sum() {
    Pointer left = product();
    while (!text_.empty() && (text_[0] == '+' || text_[0] == '-')) left = node(std::move(left), &Parser::product);
    return left;
  }

 private:
  Pointer product() {
    Pointer left = factor();
    while (!text_.empty() && text_[0] == '*') left = node(std::move(left), &Parser::factor);
    return left;
  }
  Pointer factor() {
    if (!text_.empty() && text_[0] == '(') {
      take();
      Pointer inner = sum();
      take();
      return inner;
    }
    auto number = std::make_unique<Expression>();
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9')
      number->number = number->number * 10 + static_cast<uint64_t>(take() - '0');
    return number;
  }
  Pointer node(Pointer left, Pointer (Parser::*operand)()) {
    auto result = std::make_unique<Expression>();
    result->kind = take();
    result->left = std::move(left);
    result->right = (this->*operand)();
    return result;
  }
  char take() {
    if (text_.empty()) return ')';
    const char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }
  std::string_view text_;
};
}  // namespace

CORPUS {
  std::string text = "1";
  int open = 0;
  for (size_t i = 0; i < size && i < 600; ++i) {
    text += "+-*"[input[i] % 3];
    if (input[i] % 7 == 0 && open < 20) text += '(', ++open;
    text += std::to_string(input[i]);
    if (input[i] % 5 == 0 && open > 0) text += ')', --open;
  }
  text.append(static_cast<size_t>(open), ')');
  return fold(text.size(), Parser(text).sum()->value());
}
