// SPDX-License-Identifier: Apache-2.0
// docs/writing-extensions.md and docs/userfaultfd.md are right: its sources compile, what it says is refused is
// refused, its commands work.
#include "snippets.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace {

namespace fs = std::filesystem;

struct Ran {
  int code;
  std::string output;
};

Ran run(const fs::path& folder, const std::string& command) {
  const std::string line = "cd '" + folder.string() + "' && PATH=" BUILD_BIN ":$PATH && { " + command + "; } 2>&1";
  FILE* pipe = popen(line.c_str(), "r");
  if (!pipe) return {-1, "popen failed"};
  Ran ran{0, {}};
  std::array<char, 4096> piece{};
  while (size_t size = fread(piece.data(), 1, piece.size(), pipe)) ran.output.append(piece.data(), size);
  const int status = pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

class WritingExtensionsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "vbpf-docs-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    snippets = snippets_of(DOCS "/writing-extensions.md");
    ASSERT_GE(snippets.size(), 10u);
    for (Snippet& snippet : snippets_of(DOCS "/userfaultfd.md")) snippets.push_back(std::move(snippet));
    for (const Snippet& snippet : snippets) {
      if (!snippet.file.empty()) std::ofstream(folder / snippet.file) << snippet.text;
    }
  }
  void TearDown() override { fs::remove_all(folder); }

  fs::path folder;
  std::vector<Snippet> snippets;
};

TEST_F(WritingExtensionsTest, EverySourceCompiles) {
  for (const Snippet& snippet : snippets) {
    if ((snippet.language != "cpp" && snippet.language != "c") || snippet.file == "refused.cpp") continue;
    ASSERT_FALSE(snippet.file.empty()) << "line " << snippet.line << ": give the source a file name";
    const Ran ran = run(folder, "vbpf-clang++ -O2 -g -Wall -Wextra " + snippet.file + " -o out.o");
    EXPECT_EQ(ran.code, 0) << "line " << snippet.line << ", " << snippet.file << ":\n" << ran.output;
    EXPECT_EQ(ran.output, "") << snippet.file;
  }
}

TEST_F(WritingExtensionsTest, WhatIsSaidToBeRefusedIsRefusedWithAdvice) {
  const Ran ran = run(folder, "vbpf-clang++ -O2 refused.cpp -o refused.o");
  EXPECT_NE(ran.code, 0);
  EXPECT_NE(ran.output.find("extensions have no threads"), std::string::npos) << ran.output;
  EXPECT_FALSE(fs::exists(folder / "refused.o"));
}

// The commands that compile, verify and run are run; those that need a device are left to the tests of the command
// line.
TEST_F(WritingExtensionsTest, CommandsWork) {
  const bool have_vbpf = fs::exists(BUILD_BIN "/vbpf");
  int skipped = 0, done = 0;
  for (const Snippet& snippet : snippets) {
    if (snippet.language != "sh") continue;
    std::istringstream lines(snippet.text);
    for (std::string line; std::getline(lines, line);) {
      const bool compiles = line.starts_with("vbpf-clang++ ");
      const bool runs = line.starts_with("vbpf run ") || line.starts_with("vbpf verify ");
      ASSERT_TRUE(compiles || line.starts_with("vbpf ")) << "an unknown command: " << line;
      if (!compiles && !runs) continue;
      if (runs && !have_vbpf) {
        ++skipped;
        continue;
      }
      const Ran ran = run(folder, line);
      EXPECT_EQ(ran.code, 0) << line << "\n" << ran.output;
      ++done;
    }
  }
  EXPECT_GE(done, 2);
  if (skipped) GTEST_SKIP() << skipped << " commands need the vbpf program, which is not built";
}

// The installed layout, made of links to the build tree.
TEST_F(WritingExtensionsTest, CMakeProjectBuilds) {
  const fs::path prefix = folder / "prefix", package = prefix / CMAKE_PACKAGE_DIR;
  fs::create_directories(package);
  fs::create_directory_symlink(BUILD_BIN, prefix / "bin");
  for (const char* file : {BUILD_BIN "/../vbpfConfig.cmake", SOURCE "/compiler/cmake/VbpfExtension.cmake"}) {
    fs::copy_file(file, package / fs::path(file).filename());
  }
  const Ran ran =
      run(folder, "cmake -S . -B made -G Ninja -DCMAKE_PREFIX_PATH='" + prefix.string() + "' && cmake --build made");
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_TRUE(fs::exists(folder / "made/firewall.o"));
}

TEST_F(WritingExtensionsTest, EveryBlockIsOfAKindThatIsTested) {
  for (const Snippet& snippet : snippets) {
    EXPECT_TRUE(snippet.language == "cpp" || snippet.language == "c" || snippet.language == "sh" ||
                snippet.language == "cmake")
        << "line " << snippet.line << ": '" << snippet.language << "'";
  }
}

}  // namespace
