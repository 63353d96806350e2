// SPDX-License-Identifier: Apache-2.0
// What is the same for all verbs; and that manual page and completion know every one.
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

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

TEST(Usage, AnAnswerThatCannotBeWrittenIsAFailure) {
  for (const char* arguments : {"doctor", "doctor --json", "--help", "options", "list --json"}) {
    const Answer answer = run({"sh", "-c", std::string(VBPF_PROGRAM) + " " + arguments + " >/dev/full"});
    EXPECT_EQ(answer.status, 1) << arguments;
    EXPECT_TRUE(answer.says({"cannot write the answer"})) << arguments;
  }
}

TEST(Usage, AReaderThatLeavesIsNoFailure) {
  const Answer answer = run({"bash", "-c", "set -o pipefail; { sleep 0.3; " VBPF_PROGRAM " options; } | true"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.err, "");
}

TEST(Usage, ErrorsAreJsonWhereverTheOptionStands) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"lod", "--json"}, {"run", "--json", "--bogus"}, {"run", "--bogus", "--json"}, {"load", "a.o", "--json"}}) {
    const Answer answer = vbpf(arguments);
    EXPECT_EQ(answer.status, 2);
    EXPECT_EQ(answer.json()["error"]["kind"], "usage") << answer.out;
  }
}

TEST(Doctor, AnswersEveryQuestionWithAdvice) {
  const Answer answer = vbpf({"doctor", "--json"});
  const Json json = answer.json();
  EXPECT_EQ(answer.status, json["extensions"] == true ? 0 : 3);
  for (const char* name :
       {"pku", "sfi", "pks", "kernel", "bpf", "xdp_native", "xdp_generic", "af_xdp", "memlock", "userfaultfd"}) {
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

std::string completion_of(const std::string& words, int position, const std::string& setup = "") {
  return run({"bash", "-c",
              setup + "source " CLI_SOURCE "/completion/vbpf.bash; compopt() { :; }; COMP_WORDS=(vbpf " + words +
                  "); COMP_CWORD=" + std::to_string(position) + "; _vbpf; echo \"${COMPREPLY[@]}\""})
      .out;
}

// This machine's kernel is a stock one: what needs the other says so.
TEST(Engine, OfTheKernelIsRefusedWithAdviceWhereThereIsNone) {
  if (std::filesystem::exists("/dev/vbpf")) GTEST_SKIP() << "this kernel has the engine";
  const std::string counter = extension("counter");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"run", counter, "--engine", "kernel"},
                                             {"load", counter, "--dev", "lo", "--engine", "kernel"},
                                             {"load", counter, "--dev", "lo", "--precise"}}) {
    const Answer answer = vbpf(arguments);
    EXPECT_EQ(answer.status, 3);
    EXPECT_TRUE(answer.says({"has no vBPF engine", "kernel-patch/build", "--engine user"}));
  }
  const Answer answer = vbpf({"load", counter, "--dev", "lo", "--engine", "kernel", "--batch", "3"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_TRUE(answer.says({"--batch has no meaning in the kernel", "--engine user"}));
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
      std::string words = name;
      words.append(" ").append(flag);
      EXPECT_EQ(completion_of(words, 2), flag + "\n") << name;
    }
  }
  EXPECT_NE(bash.find("complete"), std::string::npos);
}

// What a test of the page against `vbpf options` cannot see: options that are not there any more.
TEST(Manual, KnowsNoOtherOptions) {
  std::set<std::string> flags{"--help", "--version"};
  const Json document = vbpf({"options"}).json();
  for (const Json& verb : document["verbs"])
    for (const Json& option : verb["options"]) flags.insert(option["name"].get<std::string>());
  const std::regex flag("--[a-z][a-z-]*");
  for (const char* name : {"/vbpf.1", "/completion/vbpf.bash", "/completion/_vbpf"}) {
    const std::string text = std::regex_replace(text_of(std::string(CLI_SOURCE) + name), std::regex("\\\\-"), "-");
    for (std::sregex_iterator one(text.begin(), text.end(), flag), end; one != end; ++one)
      EXPECT_TRUE(flags.contains(one->str())) << one->str() << " in " << name;
  }
}

void collect_keys(const Json& document, std::set<std::string>& keys) {
  for (const auto& item : document.items()) {
    if (document.is_object()) keys.insert(item.key());
    if (item.value().is_structured()) collect_keys(item.value(), keys);
  }
}

TEST(Manual, KnowsEveryFieldOfJson) {
  std::set<std::string> keys;
  const std::string counter = extension("counter"), faults = extension("faults");
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"run", counter, "--json"},
                                             {"run", faults, "--hex", "01", "--json"},
                                             {"verify", counter, "--json"},
                                             {"verify", "/dev/null", "--json"},
                                             {"doctor", "--json"},
                                             {"options"},
                                             {"lod", "--json"}})
    collect_keys(vbpf(arguments).json(), keys);
  // What the worker answers, without attaching it here.
  const std::regex field("\\{\"([a-z_]+)\", ");
  for (const char* name : {"/service/worker.cpp", "/service/resident_service.cpp", "/service/journal.cpp"}) {
    const std::string text = text_of(std::string(CLI_SOURCE) + name);
    for (std::sregex_iterator one(text.begin(), text.end(), field), end; one != end; ++one) keys.insert((*one)[1]);
  }
  for (const char* internal : {"ok", "lines", "next", "suppressed", "verb"})
    keys.erase(internal);  // between worker and command line
  const std::string page = text_of(std::string(CLI_SOURCE) + "/vbpf.1");
  const std::string json = page.substr(page.find(".SH JSON"), page.find(".SH EXIT") - page.find(".SH JSON"));
  ASSERT_GT(keys.size(), 50u);
  for (const std::string& key : keys)
    EXPECT_TRUE(std::regex_search(json, std::regex("(^|[^a-z_])" + key + "([^a-z_]|$)"))) << key;
}

TEST(Completion, KnowsVerbsNamesDevicesAndFiles) {
  const Folder folder;
  std::filesystem::create_directories(folder.path / "fire-wall");
  std::filesystem::create_directories(folder.path / "other");
  folder.file("ext.o", "");
  const std::string run_folder = "export VBPF_RUN_DIR=" + folder.path.string() + "; ";
  EXPECT_EQ(completion_of("ver", 1), "verify\n");
  EXPECT_EQ(completion_of("show fi", 2, run_folder), "fire-wall\n");
  EXPECT_EQ(completion_of("unload other ''", 3, run_folder), "fire-wall other\n");
  EXPECT_EQ(completion_of("show ''", 2, "export VBPF_RUN_DIR=/nonexistent; "), "\n");
  EXPECT_EQ(completion_of("load a.o --dev l", 4), "lo\n");
  EXPECT_EQ(completion_of("run ex", 2, "cd " + folder.path.string() + "; "), "ext.o\n");
  std::filesystem::rename(folder.path / "ext.o", folder.path / "ext.txt");
  EXPECT_EQ(completion_of("run ext.o --data ex", 4, "cd " + folder.path.string() + "; "), "ext.txt\n");
  EXPECT_EQ(completion_of("load a.o --on-fault ''", 4), "restart detach pass\n");
}

TEST(Completion, DoesTheSameInZsh) {
  if (run({"sh", "-c", "command -v zsh"}).status != 0) GTEST_SKIP() << "zsh is not installed";
  const Folder folder;
  std::filesystem::create_directories(folder.path / "fire-wall");
  const std::string script = CLI_TESTS "/complete_in_zsh", scripts = CLI_SOURCE "/completion";
  for (const auto& [typed, completed] : std::map<std::string, std::string>{{"veri", "verify"},
                                                                           {"show fi", "show fire-wall"},
                                                                           {"run --rep", "run --repeat"},
                                                                           {"load a.o --dev l", "load a.o --dev lo"}}) {
    const Answer answer = run({"env", "VBPF_RUN_DIR=" + folder.path.string(), "timeout", "30", script, scripts, typed});
    EXPECT_EQ(answer.out, completed + "\n") << answer.err;
  }
}

TEST(Manual, IsCleanRoff) {
  if (run({"sh", "-c", "command -v mandoc"}).status != 0) GTEST_SKIP() << "mandoc is not installed";
  const Answer lint = run({"mandoc", "-T", "lint", "-W", "warning", std::string(CLI_SOURCE) + "/vbpf.1"});
  EXPECT_EQ(lint.status, 0) << lint.out;
}

}  // namespace
}  // namespace vbpf::cli_test
