// SPDX-License-Identifier: Apache-2.0
// vbpf log and stats --watch.

#include <csignal>
#include <regex>
#include <sstream>

#include "loaded.h"

namespace vbpf::cli_test {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Talking : public Loading {
 protected:
  void SetUp() override { must_load("talk"); }
  void say(uint32_t lines) const {
    far_.send(order('l', lines, lines));
    ASSERT_EQ(order('l', lines, lines), near_.receive());
  }
  static std::vector<std::string> log() { return lines_of(vbpf({"log", "talk"}).out); }
  static Words in_background(const Words& arguments) {
    Words command{VBPF_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
  }
};

TEST_F(Talking, LinesReachTheLogWithTheirTime) {
  say(2);
  EXPECT_TRUE(wait([] { return log().size() == 2; }));
  const std::regex first(R"(2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  line 1 of 2 \\x1b\[31m)");
  EXPECT_TRUE(std::regex_match(log()[0], first)) << log()[0] << " (what a terminal would obey is made visible)";
  for (const std::string& line : lines_of(vbpf({"log", "talk", "--json"}).out)) {
    const Json one = Json::parse(line, nullptr, false);
    ASSERT_TRUE(one.is_object()) << line;
    EXPECT_EQ(one["kind"], "log");
  }
}

TEST_F(Talking, ItIsLimitedInRateAndSaysSo) {
  say(1000);
  EXPECT_TRUE(wait([] { return log().size() == 101; })) << log().size();
  const auto lines = log();
  EXPECT_NE(lines[99].find("line 100 of 1000"), std::string::npos) << lines[99];
  EXPECT_NE(lines[100].find("suppressed: 900 lines were left out"), std::string::npos) << lines[100];
  say(1);
  EXPECT_TRUE(wait([] { return log().size() == 102; })) << "the next second's lines come";
}

TEST_F(Talking, ItIsBoundedInLines) {
  for (int second = 0; second < 12; ++second) {
    say(100);
    std::this_thread::sleep_for(std::chrono::milliseconds(1010));
  }
  EXPECT_EQ(log().size(), 1000u);
}

TEST_F(Talking, FollowPrintsWhatComesUntilUnloaded) {
  Background follow(in_background({"log", "talk", "--follow"}));
  say(1);
  EXPECT_TRUE(wait([&] { return lines_of(follow.output()).size() == 1; }));
  say(3);
  EXPECT_TRUE(wait([&] { return lines_of(follow.output()).size() == 4; }));
  EXPECT_EQ(vbpf({"unload", "talk"}).status, 0);
  EXPECT_EQ(follow.wait(), 0);
  EXPECT_NE(follow.output().find("vbpf: talk is not loaded any more"), std::string::npos);
}

TEST_F(Talking, FollowEndsByCtrlC) {
  Background follow(in_background({"log", "talk", "--follow"}));
  say(1);
  EXPECT_TRUE(wait([&] { return lines_of(follow.output()).size() == 1; }));
  follow.signal(SIGINT);
  EXPECT_EQ(follow.wait(), 128 + SIGINT);
  EXPECT_EQ(show("talk")["state"], "attached");
}

TEST_F(Talking, WatchPrintsRatesUntilCtrlC) {
  Background watch(in_background({"stats", "talk", "--watch", "--interval", "50ms"}));
  EXPECT_TRUE(wait([&] { return watch.output().find("per second") != std::string::npos; }));
  say(0);
  EXPECT_TRUE(wait([&] { return std::regex_search(watch.output(), std::regex("XDP_PASS +1 +[1-9]")); }))
      << watch.output();
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(), 0);
}

TEST_F(Talking, WatchAsJsonIsOneObjectPerLine) {
  Background watch(in_background({"stats", "talk", "--watch", "--interval", "50ms", "--json"}));
  EXPECT_TRUE(wait([&] { return lines_of(watch.output()).size() >= 3; }));
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(), 0);
  for (const std::string& line : lines_of(watch.output())) {
    const Json one = Json::parse(line, nullptr, false);
    ASSERT_TRUE(one.is_object()) << line;
    EXPECT_EQ(one["name"], "talk");
    EXPECT_TRUE(one["total"].contains("packets"));
  }
}

TEST_F(Talking, WatchEndsWithItsReaderAndWithTheExtension) {
  const std::string read_two_lines = join({VBPF_PROGRAM, "stats talk --watch --interval 50ms --json | head -n 2"});
  EXPECT_EQ(run({"timeout", "5", "sh", "-c", read_two_lines}).status, 0);
  Background watch(in_background({"stats", "talk", "--watch", "--interval", "50ms"}));
  EXPECT_TRUE(wait([&] { return !watch.output().empty(); }));
  EXPECT_EQ(vbpf({"unload", "talk"}).status, 0);
  EXPECT_EQ(watch.wait(), 0);
  EXPECT_NE(watch.output().find("vbpf: talk is not loaded any more"), std::string::npos);
}

TEST_F(Talking, BadIntervalsAreUsage) {
  for (const char* interval : {"1ms", "0", "soon", "-1s"})
    EXPECT_EQ(vbpf({"stats", "talk", "--watch", "--interval", interval}).status, 2) << interval;
  EXPECT_EQ(vbpf({"stats", "talk", "--interval", "1s"}).status, 2);
}

}  // namespace
}  // namespace vbpf::cli_test
