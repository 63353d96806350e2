// SPDX-License-Identifier: Apache-2.0
#include "advice.h"

#include <algorithm>
#include <array>

#include "vbpf/abi.h"

namespace vbpf::driver {
namespace {

struct Advice {
  std::string_view sentence, names;
};
constexpr Advice table[] = {
#define VBPF_ADVICE(sentence, names) {sentence, names},
#include "advice.def"
#undef VBPF_ADVICE
};

constexpr std::string_view imports[] = {
#define VBPF_IMPORT(number, name, result, parameters) #name,
#include "vbpf/imports.def"
#undef VBPF_IMPORT
};

constexpr std::string_view thunk_registers[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8",
                                                "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

// Calls `match` for each word until one answers true.
template <typename Match>
bool any_word(std::string_view words, Match match) {
  while (!words.empty()) {
    std::string_view word = words.substr(0, words.find(' '));
    if (match(word)) return true;
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  return false;
}

// A pattern's '*' stands for any text; it may be in the middle or at the end.
bool matches(std::string_view symbol, std::string_view pattern) {
  size_t star = pattern.find('*');
  if (star == std::string_view::npos) return symbol == pattern;
  if (!symbol.starts_with(pattern.substr(0, star))) return false;
  std::string_view rest = pattern.substr(star + 1);
  if (rest.empty()) return true;
  for (size_t at = star; at <= symbol.size(); ++at) {
    if (matches(symbol.substr(at), rest)) return true;
  }
  return false;
}

}  // namespace

bool supplied_by_loader(std::string_view symbol) {
  if (symbol == "__x86_return_thunk" || symbol == VBPF_SYMBOL_HEAP_START || symbol == VBPF_SYMBOL_HEAP_END) return true;
  constexpr std::string_view thunk = "__x86_indirect_thunk_";
  if (symbol.starts_with(thunk))
    return std::find(std::begin(thunk_registers), std::end(thunk_registers), symbol.substr(thunk.size())) !=
           std::end(thunk_registers);
  return std::find(std::begin(imports), std::end(imports), symbol) != std::end(imports);
}

std::string advice_for(std::string_view symbol) {
  for (const Advice& advice : table) {
    if (any_word(advice.names, [&](std::string_view pattern) { return matches(symbol, pattern); }))
      return std::string(advice.sentence);
  }
  return {};
}

}  // namespace vbpf::driver
