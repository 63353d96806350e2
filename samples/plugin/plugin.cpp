// SPDX-License-Identifier: Apache-2.0
// A plugin: counts the different words of a text that the host hands over.
#include <vbpf/plugin.h>

#include <string_view>
#include <unordered_set>

VBPF_PLUGIN_ENTRY uint64_t count_words(const char* text, uint64_t size) {
  std::unordered_set<std::string_view> words;
  for (std::string_view rest(text, size); !rest.empty();) {
    const size_t end = rest.find_first_of(" \n");
    if (end != 0) words.insert(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  return words.size();
}
