// SPDX-License-Identifier: Apache-2.0
// Which of a list of patterns a path matches: recursion and backtracking, which eBPF has not.
#include <array>
#include <cstdint>
#include <string_view>

#include "vbpf/plugin.h"

namespace {

constexpr std::array<std::string_view, 4> patterns{"/usr/*bin/*", "**/python[23]*", "/tmp/**", "**.sh"};

bool matches(std::string_view pattern, std::string_view text);

// "[abc]", and what follows it.
bool matches_set(std::string_view pattern, std::string_view text) {
  const size_t end = pattern.find(']');
  if (end == std::string_view::npos || text.empty()) return false;
  return pattern.substr(1, end - 1).find(text[0]) != std::string_view::npos &&
         matches(pattern.substr(end + 1), text.substr(1));
}

// '*' is anything but '/', "**" anything.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '[') return matches_set(pattern, text);
  if (pattern[0] != '*') return !text.empty() && pattern[0] == text[0] && matches(pattern.substr(1), text.substr(1));
  const bool slashes = pattern.starts_with("**");
  const std::string_view rest = pattern.substr(slashes ? 2 : 1);
  for (size_t taken = 0; taken <= text.size(); ++taken) {
    if (matches(rest, text.substr(taken))) return true;
    if (taken < text.size() && text[taken] == '/' && !slashes) return false;
  }
  return false;
}

}  // namespace

// The number of the first pattern that the path matches; how many there are if it matches none.
VBPF_PLUGIN_ENTRY uint64_t classify(const char* path, uint64_t size) {
  const std::string_view all(path, size), text = all.substr(0, all.find('\0'));
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (matches(patterns[i], text)) return i;
  }
  return patterns.size();
}
