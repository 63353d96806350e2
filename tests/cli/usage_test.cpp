// SPDX-License-Identifier: Apache-2.0
// What is the same for all verbs; and that manual page and completion know every one.
#include <fstream>
#include <iterator>
#include <regex>

#include "command.h"

namespace vbpf::cli_test {
namespace {

TEST(Usage, HelpAndVersionExitZero) {
  const Answer help = vbpf({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* verb : {"load", "unload", "list", "show", "stats", "log", "run", "verify", "doctor"})
    EXPECT_NE(help.out.find(std::string("\n  ") + verb + " "), std::string::npos) << verb;
  EXPECT_EQ(vbpf({"run", "--help"}).status, 0);
  EXPECT_EQ(vbpf({"--version"}).out.find("vbpf "), 0u);
}

TEST(Usage, MistakesExitTwoWithOneLine) {
  EXPECT_EQ(vbpf({}).status, 2);
  const Answer verb = vbpf({"lod"});
  EXPECT_EQ(verb.status, 2);
  EXPECT_TRUE(verb.says({"no verb 'lod'", "--help"}));
  EXPECT_EQ(vbpf({"unload"}).status, 2);
  EXPECT_EQ(vbpf({"show"}).status, 2);
  EXPECT_EQ(vbpf({"stats", "x", "--interval", "1s"}).status, 2) << "--interval needs --watch";
  EXPECT_EQ(vbpf({"load", "a.o"}).status, 2) << "--dev is missing";
}

TEST(Usage, NamesThatAreNotLoadedExitOne) {
  for (const char* verb : {"show", "stats", "log", "unload"}) {
    const Answer answer = vbpf({verb, "not-there", "--json"});
    EXPECT_EQ(answer.status, 1) << verb;
    EXPECT_TRUE(answer.says({"not-there", "vbpf list"})) << verb;
    EXPECT_EQ(answer.json()["error"]["kind"], "bad-input");
  }
  EXPECT_TRUE(vbpf({"show", "../etc"}).says({"no name for an extension"}));
}

TEST(Usage, AFullStandardOutputIsNoCrash) {
  const Answer answer = run({"sh", "-c", std::string(VBPF_PROGRAM) + " doctor --json >/dev/full"});
  EXPECT_LT(answer.status, 128);
}

TEST(Doctor, AnswersEveryQuestionWithAdvice) {
  const Answer answer = vbpf({"doctor", "--json"});
  const Json json = answer.json();
  EXPECT_EQ(answer.status, json["extensions"] == true ? 0 : 3);
  for (const char* name :
       {"pku", "sfi", "pks", "kernel", "bpf", "xdp_native", "xdp_generic", "af_xdp", "userfaultfd"}) {
    ASSERT_TRUE(json["probes"].contains(name)) << name;
    EXPECT_FALSE(json["probes"][name]["found"].get<std::string>().empty());
    EXPECT_EQ(json["probes"][name]["ok"] == true, json["probes"][name]["advice"] == "") << name;
  }
  EXPECT_NE(vbpf({"doctor"}).out.find("Extensions run here"), std::string::npos);
}

TEST(Doctor, WithoutRightsItSaysWhatIsMissing) {
  const Answer answer = run({"setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps",
                             "-all", VBPF_PROGRAM, "doctor", "--json"});
  const Json json = answer.json();
  EXPECT_EQ(json["xdp"], false);
  EXPECT_EQ(json["probes"]["bpf"]["ok"], false);
  EXPECT_NE(json["probes"]["bpf"]["advice"].get<std::string>().find("root"), std::string::npos);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Manual, KnowsEveryVerbAndOption) {
  std::string page = std::regex_replace(text_of(std::string(CLI_SOURCE) + "/vbpf.1"), std::regex("\\\\-"), "-");
  const std::string bash = text_of(std::string(CLI_SOURCE) + "/completion/vbpf.bash");
  const std::string zsh = text_of(std::string(CLI_SOURCE) + "/completion/_vbpf");
  const Json verbs = vbpf({"options"}).json()["verbs"];
  ASSERT_GE(verbs.size(), 9u);
  for (const Json& verb : verbs) {
    const auto name = verb["name"].get<std::string>();
    EXPECT_NE(page.find("vbpf " + name), std::string::npos) << name;
    EXPECT_NE(zsh.find("'" + name + ":"), std::string::npos) << name;
    for (const Json& option : verb["options"]) {
      const auto flag = option["name"].get<std::string>();
      if (flag == "--help") continue;
      EXPECT_NE(page.find(flag), std::string::npos) << name << " " << flag;
      EXPECT_NE(zsh.find(flag + "["), std::string::npos) << name << " " << flag;
      const Answer completed = run({"bash", "-c",
                                    "source " CLI_SOURCE "/completion/vbpf.bash; COMP_WORDS=(vbpf " + name + " " +
                                        flag + "); COMP_CWORD=2; _vbpf; echo \"${COMPREPLY[@]}\""});
      EXPECT_NE((" " + completed.out).find(" " + flag), std::string::npos) << name << " " << flag << completed.err;
    }
  }
  EXPECT_NE(bash.find("complete"), std::string::npos);
}

TEST(Manual, IsCleanRoff) {
  if (run({"sh", "-c", "command -v mandoc"}).status != 0) GTEST_SKIP() << "mandoc is not installed";
  const Answer lint = run({"mandoc", "-T", "lint", "-W", "warning", std::string(CLI_SOURCE) + "/vbpf.1"});
  EXPECT_EQ(lint.status, 0) << lint.out;
}

}  // namespace
}  // namespace vbpf::cli_test
