// SPDX-License-Identifier: Apache-2.0
// The fenced blocks of a Markdown file.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

struct Snippet {
  std::string language, file;  // from ```cpp hello.cpp
  std::string text;
  int line = 0;
};

inline std::vector<Snippet> snippets_of(const std::filesystem::path& page) {
  std::vector<Snippet> snippets;
  std::ifstream file(page);
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.starts_with("```")) {
      if (inside) snippets.back().text += line + "\n";
      continue;
    }
    inside = !inside;
    if (!inside) continue;
    Snippet snippet;
    snippet.line = number;
    std::istringstream(line.substr(3)) >> snippet.language >> snippet.file;
    snippets.push_back(snippet);
  }
  return snippets;
}
