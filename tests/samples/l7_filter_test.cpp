// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "aho_corasick.h"

namespace {

using l7_filter::AhoCorasick;

size_t search(const AhoCorasick& automaton, std::string_view text) {
  auto state = AhoCorasick::start;
  return automaton.search(state, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

TEST(AhoCorasickTest, FindsPatternsThatShareParts) {
  const std::string_view patterns[] = {"hers", "he", "she", "his"};
  const AhoCorasick automaton(patterns);
  EXPECT_EQ(search(automaton, "ushers"), 2u);
  EXPECT_EQ(search(automaton, "ahis"), 3u);
  EXPECT_EQ(search(automaton, "hhe"), 1u);
  EXPECT_EQ(search(automaton, "h e r s"), AhoCorasick::none);
  EXPECT_EQ(search(automaton, ""), AhoCorasick::none);
}

TEST(AhoCorasickTest, FindsAPatternInsideThePathOfAnother) {
  const std::string_view patterns[] = {"abcdef", "cd"};
  EXPECT_EQ(search(AhoCorasick(patterns), "xabcdxx"), 1u);
}

TEST(AhoCorasickTest, BytesOver127AndZeroAreBytes) {
  using namespace std::string_view_literals;
  const std::string_view patterns[] = {"\xff\0\x80"sv};
  EXPECT_EQ(search(AhoCorasick(patterns), "a\xff\xff\0\x80"sv), 0u);
}

TEST(AhoCorasickTest, ContinuesAcrossPieces) {
  const std::string_view patterns[] = {"forbidden"};
  const AhoCorasick automaton(patterns);
  const std::string text = "a forbidden word";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    auto state = AhoCorasick::start;
    const auto bytes = std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    size_t found = automaton.search(state, bytes.first(cut));
    if (found == AhoCorasick::none) found = automaton.search(state, bytes.subspan(cut));
    EXPECT_EQ(found, 0u) << cut;
  }
}

// Against a plain search, over an alphabet small enough for many matches.
TEST(AhoCorasickTest, AgreesWithPlainSearch) {
  std::mt19937 random(1);
  const auto word = [&](size_t length) {
    std::string text(length, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 3);
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> words;
    for (int i = 0; i < 6; ++i) words.push_back(word(1 + random() % 6));
    const std::vector<std::string_view> patterns(words.begin(), words.end());
    const AhoCorasick automaton(patterns);
    for (int i = 0; i < 20; ++i) {
      const std::string text = word(random() % 12);
      size_t first_end = std::string::npos;
      for (const auto& pattern : words) {
        const size_t at = text.find(pattern);
        if (at != std::string::npos) first_end = std::min(first_end, at + pattern.size());
      }
      const size_t found = search(automaton, text);
      ASSERT_EQ(found == AhoCorasick::none, first_end == std::string::npos) << text;
      if (found != AhoCorasick::none) {
        EXPECT_EQ(text.substr(first_end - words[found].size(), words[found].size()), words[found]);
      }
    }
  }
}

}  // namespace
