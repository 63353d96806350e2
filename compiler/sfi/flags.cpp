// SPDX-License-Identifier: Apache-2.0
// Liveness of the arithmetic flags. Code the rewriter inserts may change them only where they are dead.
#include <algorithm>
#include <array>
#include <cctype>

#include "sfi/program.h"

namespace vbpf::sfi {
namespace {

// Write all of CF, ZF, SF, OF and PF (or leave them undefined) and read none.
constexpr std::array<std::string_view, 13> kWriters = {"add", "sub", "cmp",  "test",   "and",  "or",     "xor",
                                                       "neg", "mul", "imul", "popcnt", "andn", "cmpxchg"};
constexpr std::array<std::string_view, 10> kVectorWriters = {"ucomiss",  "ucomisd", "comiss",  "comisd", "vucomiss",
                                                             "vucomisd", "vcomiss", "vcomisd", "ptest",  "vptest"};
constexpr std::array<std::string_view, 12> kReaders = {"adc",  "sbb",   "adcx", "adox", "rcl",   "rcr",
                                                       "lahf", "pushf", "cmc",  "loop", "fcmov", "into"};

bool reads_flags(std::string_view mnemonic) {
  if (mnemonic.starts_with('j') || mnemonic.starts_with("set") || mnemonic.starts_with("cmov")) return true;
  return std::any_of(kReaders.begin(), kReaders.end(), [&](auto name) { return mnemonic.starts_with(name); });
}

bool overwrites_flags(const Statement& statement) {
  const auto named = [&](std::string_view name) { return is_mnemonic(statement.mnemonic, name); };
  return std::any_of(kWriters.begin(), kWriters.end(), named) ||
         std::find(kVectorWriters.begin(), kVectorWriters.end(), statement.mnemonic) != kVectorWriters.end();
}

bool is_numeric_label(std::string_view label) {
  return !label.empty() && std::isdigit(static_cast<unsigned char>(label[0])) != 0;
}

}  // namespace

bool is_mnemonic(std::string_view mnemonic, std::string_view name) {
  if (!mnemonic.starts_with(name)) return false;
  const std::string_view rest = mnemonic.substr(name.size());
  return rest.empty() || (rest.size() == 1 && std::string_view("bwlq").find(rest[0]) != std::string_view::npos);
}

bool flags_live_after(const Program& program, size_t index) {
  constexpr unsigned kSearchLimit = 200;  // instructions; a jump cycle that touches no flags ends here too
  unsigned searched = 0;
  for (size_t at = index + 1; at < program.statements.size(); ++at) {
    const Statement& statement = program.statements[at];
    if (statement.kind != Statement::Kind::instruction) continue;
    if (++searched > kSearchLimit) return true;
    // Neither calls nor returns pass anything in the flags; execution ends at a trap.
    if (statement.mnemonic.starts_with("call") || statement.mnemonic == "ud2" || statement.mnemonic == "int3")
      return false;
    if (is_mnemonic(statement.mnemonic, "jmp")) {
      const std::string target = statement.operands.empty() ? std::string() : statement.operands[0];
      if (is_numeric_label(target)) return true;
      const auto found = program.labels.find(target);
      if (found == program.labels.end()) return false;  // another function, or the return thunk
      at = found->second;
      continue;
    }
    if (reads_flags(statement.mnemonic)) return true;
    if (overwrites_flags(statement)) return false;
  }
  return false;
}

}  // namespace vbpf::sfi
