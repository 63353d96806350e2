// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iterator>

#include "command.h"

namespace vbpf::cli_test {
namespace {

TEST(Run, PrintsWhatTheIssueOfARunIs) {
  const Json answer = vbpf({"run", extension("two_entries"), "--entry", "drops", "--json"}).json();
  EXPECT_EQ(answer["retval"], 1);
  EXPECT_EQ(answer["verdict"], "XDP_DROP");
  EXPECT_GT(answer["ns_per_run"], 0);
  EXPECT_TRUE(answer["confinement"] == "sfi" || answer["confinement"] == "pku") << answer;
  EXPECT_TRUE(answer["fault"].is_null());
  EXPECT_EQ(answer["data_out"], std::string(128, '0')) << "64 zeros unless a packet is given";
}

TEST(Run, AsTextNamesTheVerdict) {
  const Answer answer = vbpf({"run", extension("two_entries"), "--entry", "passes"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_NE(answer.out.find("retval     2 (XDP_PASS)"), std::string::npos) << answer.out;
  EXPECT_NE(answer.out.find("confinement "), std::string::npos);
}

TEST(Run, RepeatsWithFreshInputWhileGlobalsAndHeapCarryOn) {
  const Json answer = vbpf({"run", extension("counter"), "--hex", "41 42:43", "--repeat", "7", "--json"}).json();
  EXPECT_EQ(answer["retval"], 7);
  EXPECT_EQ(answer["verdict"], "unknown");
  EXPECT_EQ(answer["data_out"], "424243");
}

TEST(Run, ShowsThePacketThatWasMoved) {
  const Answer answer = vbpf({"run", extension("moves"), "--hex", "0102030405", "--json"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_EQ(answer.json()["data_out"], "030405ee");
  EXPECT_EQ(answer.json()["verdict"], "XDP_TX");
}

TEST(Run, RefusesPointersOutsideTheFrame) {
  const Answer answer = vbpf({"run", extension("moves"), "--hex", "ff", "--json"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_TRUE(answer.json()["data_out"].is_null());
}

TEST(Run, ReadsPacketsFromFiles) {
  const Folder folder;
  const std::string data = folder.file("packet", std::string("\x10\x20\x30", 3));
  EXPECT_EQ(vbpf({"run", extension("counter"), "--data", data, "--json"}).json()["data_out"], "112030");
}

// A capture of two packets, in the format of libpcap.
std::string capture(uint32_t link_type = 1) {
  const auto word = [](uint32_t value) { return std::string(reinterpret_cast<const char*>(&value), 4); };
  std::string text = word(0xa1b2c3d4) + word(0x00040002) + word(0) + word(0) + word(65535) + word(link_type);
  for (const std::string packet : {"abc", "xy"}) {
    const auto size = static_cast<uint32_t>(packet.size());
    text += word(1) + word(2) + word(size) + word(size) + packet;
  }
  return text;
}

TEST(Run, RunsOnEachPacketOfACapture) {
  const Folder folder;
  const Json answer = vbpf({"run", extension("counter"), "--pcap", folder.file("c.pcap", capture()), "--json"}).json();
  ASSERT_EQ(answer["packets"].size(), 2u);
  EXPECT_EQ(answer["packets"][0]["data_out"], "626263");
  EXPECT_EQ(answer["packets"][1]["data_out"], "7979");
  EXPECT_EQ(answer["retval"], 2);
  EXPECT_EQ(answer["data_out"], "7979");
}

struct FaultCase {
  const char* byte;
  const char* kind;
};

class RunFault : public testing::TestWithParam<FaultCase> {};

TEST_P(RunFault, ExitsOneWithAReport) {
  const Answer answer = vbpf({"run", extension("faults"), "--hex", GetParam().byte, "--json", "--registers"});
  EXPECT_EQ(answer.status, 1);
  const Json fault = answer.json()["fault"];
  ASSERT_TRUE(fault.is_object()) << answer.out;
  EXPECT_EQ(fault["kind"], GetParam().kind);
  EXPECT_TRUE(fault["address"].is_number());
  EXPECT_FALSE(fault["symbol"].get<std::string>().empty());
  EXPECT_NE(fault["line"].get<std::string>().find(".cpp:"), std::string::npos) << fault;
  EXPECT_EQ(fault["registers"].size(), 18u);
  EXPECT_TRUE(answer.json()["data_out"].is_null());
}

INSTANTIATE_TEST_SUITE_P(All, RunFault,
                         testing::Values(FaultCase{"01", "bad-address"}, FaultCase{"02", "divide-error"},
                                         FaultCase{"03", "budget"}, FaultCase{"04", "abort"},
                                         FaultCase{"05", "undefined-instruction"}),
                         [](const auto& info) {
                           std::string name = info.param.kind;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Run, EndsAtTheFirstFaultOfARepeat) {
  const Answer answer = vbpf({"run", extension("faults"), "--hex", "01", "--repeat", "1000000"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.out.find("fault      bad-address at 0x0 (null page) in faults"), std::string::npos) << answer.out;
}

TEST(Run, TimesTheRunsThatWereMade) {
  const Json answer = vbpf({"run", extension("faults"), "--hex", "01", "--repeat", "1000000000", "--json"}).json();
  EXPECT_GT(answer["ns_per_run"], 100) << "a fault takes longer than that; 1000000000 runs were not made";
}

TEST(Run, DoesNotNeedStandardError) {
  for (const char* where : {"2>/dev/full", "2>&-"}) {
    const std::string vbpf_run = std::string(VBPF_PROGRAM) + " run --json ";
    const Answer logs = run({"sh", "-c", vbpf_run + extension("faults") + " --hex 06 " + where});
    EXPECT_EQ(logs.status, 0) << where;
    EXPECT_EQ(logs.json()["verdict"], "XDP_PASS") << where;
    EXPECT_EQ(run({"sh", "-c", vbpf_run + "/nonexistent " + where}).status, 1) << where;
  }
}

TEST(Run, HonoursTheBudget) {
  const auto begin = std::chrono::steady_clock::now();
  const Answer answer = vbpf({"run", extension("faults"), "--hex", "03", "--budget", "300ms", "--json"});
  EXPECT_EQ(answer.json()["fault"]["kind"], "budget");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(300));
}

TEST(Run, PrintsLogLinesToStandardErrorWithoutControlCharacters) {
  const Answer answer = vbpf({"run", extension("faults"), "--hex", "06"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_NE(answer.err.find("line 0"), std::string::npos);
  EXPECT_EQ(answer.err.find('\x1b'), std::string::npos);
}

TEST(Run, ConfinesAsAsked) {
  EXPECT_EQ(vbpf({"run", extension("counter"), "--confine", "sfi", "--json"}).json()["confinement"], "sfi");
  EXPECT_EQ(vbpf({"run", extension("counter"), "--unconfined", "--json"}).json()["confinement"], "unconfined");
  const Answer pku = vbpf({"run", extension("counter"), "--confine", "pku", "--json"});
  if (pku.status == 0) {
    EXPECT_EQ(pku.json()["confinement"], "pku");
  } else {
    EXPECT_EQ(pku.status, 3);
    EXPECT_TRUE(pku.says({"protection keys", "--confine sfi"}));
    EXPECT_EQ(pku.json()["error"]["kind"], "machine");
  }
}

struct BadCase {
  const char* name;
  std::vector<std::string> arguments;  // FILE stands for a good extension
  int status;
  std::vector<std::string> parts;
};

class RunBad : public testing::TestWithParam<BadCase> {};

TEST_P(RunBad, IsOneLineAndTheRightStatus) {
  const Folder folder;
  std::vector<std::string> arguments{"run"};
  for (std::string argument : GetParam().arguments) {
    if (argument == "FILE") argument = extension("two_entries");
    if (argument == "PLUGIN") argument = extension("plugin_only");
    if (argument == "COUNTER") argument = extension("counter");
    if (argument == "EMPTY") argument = folder.file("empty", "");
    if (argument == "TEXT")
      argument = folder.file("text", "this is no object file at all, but long enough for a header ....");
    if (argument == "FOLDER") argument = folder.path;
    if (argument == "RAW_CAPTURE") argument = folder.file("raw.pcap", capture(101));
    if (argument == "CUT_CAPTURE") argument = folder.file("cut.pcap", capture().substr(0, 60));
    if (argument == "MACHINE") {
      std::ifstream good(extension("counter"), std::ios::binary);
      std::string bytes(std::istreambuf_iterator<char>(good), {});
      bytes[18] = 40;  // e_machine: ARM
      argument = folder.file("arm.o", bytes);
    }
    arguments.push_back(argument);
  }
  const Answer answer = vbpf(arguments);
  EXPECT_EQ(answer.status, GetParam().status) << answer.out << answer.err;
  EXPECT_TRUE(answer.says(GetParam().parts));
  arguments.emplace_back("--json");
  const Answer json = vbpf(arguments);
  EXPECT_EQ(json.status, GetParam().status);
  EXPECT_TRUE(json.json()["error"]["message"].is_string()) << json.out;
}

INSTANTIATE_TEST_SUITE_P(
    All, RunBad,
    testing::Values(BadCase{"NoSuchFile", {"/nonexistent/a.o"}, 1, {"/nonexistent/a.o", "No such file"}},
                    BadCase{"Folder", {"FOLDER"}, 1, {"cannot read", "regular file"}},
                    BadCase{"Empty", {"EMPTY"}, 1, {"object-header"}},
                    BadCase{"NotElf", {"TEXT"}, 1, {"object-header"}},
                    BadCase{"WrongMachine", {"MACHINE"}, 1, {"object-header"}},
                    BadCase{"SeveralEntries", {"FILE"}, 1, {"several XDP entries, choose one", "passes, drops"}},
                    BadCase{"MissingEntry", {"FILE", "--entry", "nothing"}, 1, {"nothing", "passes, drops"}},
                    BadCase{"NoXdpEntry", {"PLUGIN"}, 1, {"no entry for the XDP hook"}},
                    BadCase{"OddHex", {"COUNTER", "--hex", "abc"}, 1, {"odd number"}},
                    BadCase{"NoHex", {"COUNTER", "--hex", "zz"}, 1, {"'z' is no hexadecimal digit"}},
                    BadCase{"EmptyHex", {"COUNTER", "--hex", ""}, 1, {"no bytes"}},
                    BadCase{"NoNameOfData", {"COUNTER", "--data", ""}, 1, {"No such file"}},
                    BadCase{"NoNameOfCapture", {"COUNTER", "--pcap", ""}, 1, {"No such file"}},
                    BadCase{"DeviceAsData", {"COUNTER", "--data", "/dev/zero"}, 1, {"/dev/zero", "device"}},
                    BadCase{"HexAndCapture", {"COUNTER", "--hex", "00", "--pcap", "TEXT"}, 2, {"excludes"}},
                    BadCase{"DataAndCapture", {"COUNTER", "--data", "TEXT", "--pcap", "TEXT"}, 2, {"excludes"}},
                    BadCase{"EmptyData", {"COUNTER", "--data", "EMPTY"}, 1, {"empty"}},
                    BadCase{"NoData", {"COUNTER", "--data", "/nonexistent"}, 1, {"/nonexistent", "No such file"}},
                    BadCase{"NotACapture", {"COUNTER", "--pcap", "TEXT"}, 1, {"cannot read"}},
                    BadCase{"NotEthernet", {"COUNTER", "--pcap", "RAW_CAPTURE"}, 1, {"RAW", "Ethernet"}},
                    BadCase{"CutCapture", {"COUNTER", "--pcap", "CUT_CAPTURE"}, 1, {"damaged"}},
                    BadCase{"HexAndData", {"COUNTER", "--hex", "00", "--data", "TEXT"}, 2, {"excludes"}},
                    BadCase{"BadBudget", {"COUNTER", "--budget", "soon"}, 2, {"soon", "10ms"}},
                    BadCase{"HugeBudget", {"COUNTER", "--budget", "99999999999999999999s"}, 2, {"too large"}},
                    BadCase{"ZeroBudget", {"COUNTER", "--budget", "0"}, 2, {"too short"}},
                    BadCase{"BadConfine", {"COUNTER", "--confine", "hope"}, 2, {"hope"}},
                    BadCase{"ZeroRepeat", {"COUNTER", "--repeat", "0"}, 2, {"repeat"}},
                    BadCase{"HugeHeap", {"COUNTER", "--heap-size", "2G"}, 1, {"heap", "1073741824"}},
                    BadCase{"SmallStack", {"COUNTER", "--stack-size", "100"}, 1, {"stack", "4096"}},
                    BadCase{"UnknownOption", {"COUNTER", "--bogus"}, 2, {"--bogus", "--help"}},
                    BadCase{"NoFile", {}, 2, {"FILE"}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace vbpf::cli_test
