// SPDX-License-Identifier: Apache-2.0
// docs/life-of-a-packet.md names files that exist, and functions that are in a file named in the same paragraph or
// item.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(SOURCE) + "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Numbered items and paragraphs.
std::vector<std::string> passages(const std::string& text) {
  std::vector<std::string> found{""};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || std::isdigit(static_cast<unsigned char>(line[0]))) found.emplace_back();
    found.back() += line + "\n";
  }
  return found;
}

TEST(LifeOfAPacketTest, NamesWhatExists) {
  const std::regex quoted("`([^`]+)`");
  int files = 0, functions = 0;
  for (const std::string& passage : passages(read("docs/life-of-a-packet.md"))) {
    std::string sources;
    std::vector<std::string> names;
    for (std::sregex_iterator it(passage.begin(), passage.end(), quoted), end; it != end; ++it) {
      const std::string name = (*it)[1];
      if (name.find('/') != name.npos) {
        EXPECT_TRUE(std::filesystem::is_regular_file(std::string(SOURCE) + "/" + name)) << name;
        sources += read(name);
        ++files;
      } else if (name.ends_with("()")) {
        names.push_back(name.substr(0, name.size() - 2));
      }
    }
    for (std::string name : names) {
      if (const size_t scope = name.rfind("::"); scope != name.npos) name = name.substr(scope + 2);
      EXPECT_TRUE(std::regex_search(sources, std::regex("\\b" + name + "\\("))) << name << "() in:\n" << passage;
      ++functions;
    }
  }
  EXPECT_GE(files, 10);
  EXPECT_GE(functions, 10);
}

}  // namespace
