// SPDX-License-Identifier: Apache-2.0
#include "diagnostics.h"

#include <elf.h>

namespace vbpf::verifier {

std::string printable(std::string_view name) {
  constexpr size_t max = 200;
  std::string text(name.substr(0, max));
  for (char& c : text) {
    if (c < 0x20 || c == 0x7f) c = '?';
  }
  if (name.size() > max) text += "...";
  return text;
}

std::string hex(uint64_t value) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), digits[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

namespace {

// The nearest named symbol at or before the place. Linear: runs once for a diagnostic, of which there are few.
const ElfSymbol* nearest_symbol(const Object& object, Place place) {
  const ElfSymbol* best = nullptr;
  for (const ElfSymbol& symbol : object.symbols) {
    if (symbol.section != place.section || symbol.name.empty() || symbol.value > place.offset) continue;
    if (symbol.type != STT_FUNC && symbol.type != STT_OBJECT && symbol.type != STT_NOTYPE) continue;
    bool closer = best == nullptr || symbol.value > best->value;
    bool function_wins =
        best != nullptr && symbol.value == best->value && best->type != STT_FUNC && symbol.type == STT_FUNC;
    if (closer || function_wins) best = &symbol;
  }
  return best;
}

}  // namespace

void Reporter::add(std::string_view rule, Place place, const std::string& message, std::string hint,
                   std::string instruction) {
  if (full()) return;
  Diagnostic diagnostic;
  diagnostic.rule = rule;
  diagnostic.message = prefix_ + message;
  diagnostic.hint = std::move(hint);
  diagnostic.instruction = std::move(instruction);
  if (object_ != nullptr && place.section != 0 && place.section < object_->sections.size()) {
    diagnostic.section = printable(object_->sections[place.section].name);
    diagnostic.section_offset = place.offset;
    if (const ElfSymbol* symbol = nearest_symbol(*object_, place)) {
      diagnostic.symbol = printable(symbol->name);
      diagnostic.symbol_offset = place.offset - symbol->value;
    }
  }
  diagnostics_.push_back(std::move(diagnostic));
}

}  // namespace vbpf::verifier
