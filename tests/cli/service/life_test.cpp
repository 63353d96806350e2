// SPDX-License-Identifier: Apache-2.0
// From load to unload, and names.
#include <atomic>

#include "loaded.h"

namespace vbpf::cli_test {
namespace {

TEST_F(Loading, SaysWhatWasAttachedAndHowItIsConfined) {
  const Answer answer = load();
  ASSERT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(answer.out.rfind("obey is attached to near (native XDP, 1 queue, copy)\nconfinement: ", 0), 0u)
      << answer.out;
  EXPECT_EQ(std::count(answer.out.begin(), answer.out.end(), '\n'), 2);
  EXPECT_EQ(answer.err, "");
  EXPECT_TRUE(has_program());
}

TEST_F(Loading, DecidesAboutPacketsUntilUnloaded) {
  must_load();
  far_.send({order('d', 0, 1), order('p', 0, 2)});
  EXPECT_EQ(order('p', 0, 2), near_.receive());
  const Answer answer = vbpf({"unload", "obey"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(answer.out, "obey is unloaded\n");
  expect_traffic_flows();
  expect_nothing_left();
  EXPECT_TRUE(vbpf({"show", "obey"}).says({"no extension named obey is loaded", "`vbpf list`"}));
}

TEST_F(Loading, OfSeveralWhoUnloadOneDoes) {
  must_load();
  std::vector<std::thread> threads;
  std::vector<Answer> answers(4);
  for (Answer& answer : answers) threads.emplace_back([&answer] { answer = vbpf({"unload", "obey"}); });
  for (std::thread& thread : threads) thread.join();
  int unloaded = 0;
  for (const Answer& answer : answers) {
    unloaded += answer.status == 0;
    if (answer.status == 0) continue;
    EXPECT_EQ(answer.status, 1);
    EXPECT_TRUE(answer.says({"no extension named obey is loaded"}));
  }
  EXPECT_EQ(unloaded, 1);
}

TEST_F(Loading, IsADaemonThatHoldsNothingOfItsCaller) {
  // A lock that the caller holds is free again when the caller ends.
  const std::string lock = folder_.file("lock", "");
  const std::string script = "exec 7>" + lock + "; flock 7; exec 0<&- 2>&-; ip netns exec " + network_.near + " " +
                             VBPF_PROGRAM + " " + join(load_command("obey"));
  ASSERT_EQ(run({"sh", "-c", script}).status, 0);
  EXPECT_EQ(run({"flock", "-n", lock, "true"}).status, 0);
  const Json shown = show();
  for (const char* key : {"pid", "keeper_pid"}) {
    const std::string process = "/proc/" + std::to_string(pid_of(shown, key));
    EXPECT_EQ(std::filesystem::read_symlink(process + "/cwd"), "/");
    for (const char* number : {"0", "1", "2"})
      EXPECT_EQ(std::filesystem::read_symlink(process + "/fd/" + number), "/dev/null");
    EXPECT_EQ(getsid(pid_of(shown, key)), pid_of(shown, "keeper_pid"));
  }
}

TEST_F(Loading, EverythingPrintsJson) {
  const Json loaded = load("obey", {"--json", "--batch", "8", "--budget", "5ms", "--max-restarts", "3"}).json();
  EXPECT_EQ(loaded["name"], "obey");
  EXPECT_EQ(loaded["state"], "attached");
  far_.send({order('d', 0, 1), order('d', 0, 2), order('p', 0, 3), order('a'), order('t')});
  EXPECT_EQ(order('p', 0, 3), near_.receive());
  EXPECT_TRUE(wait([] { return total()["packets"] == 5; })) << total();
  const Json stats = vbpf({"stats", "obey", "--json"}).json();
  EXPECT_EQ(stats["total"]["verdicts"],
            Json::parse(R"({"XDP_ABORTED":1,"XDP_DROP":2,"XDP_PASS":1,"XDP_TX":1,"XDP_REDIRECT":0})"));
  EXPECT_EQ(stats["total"]["bytes"], 300);
  EXPECT_EQ(stats["queues"].size(), 1u);
  const Json shown = show();
  EXPECT_EQ(shown["device"], "near");
  EXPECT_EQ(shown["hook"], "xdp");
  EXPECT_EQ(shown["file"], object("obey"));
  EXPECT_EQ(shown["entry"], "obey");
  EXPECT_EQ(shown["entries"], Json::parse(R"([{"hook":"xdp","name":"obey"}])"));
  EXPECT_EQ(shown["budget_ns"], 5'000'000);
  EXPECT_EQ(shown["max_restarts"], 3);
  EXPECT_EQ(shown["heap_size"], 64 << 20);
  EXPECT_FALSE(shown["confinement_reason"].get<std::string>().empty());
  EXPECT_NE(near_link().find("id " + std::to_string(shown["prog_id"].get<int>())), std::string::npos) << near_link();
  ASSERT_EQ(list().size(), 1u);
  EXPECT_EQ(list()[0]["name"], "obey");
  const Json unloaded = vbpf({"unload", "obey", "--json"}).json();
  ASSERT_EQ(unloaded.size(), 1u);
  EXPECT_EQ(unloaded[0]["total"]["packets"], 5);
  EXPECT_EQ(list(), Json::array());
  const Answer answer = vbpf({"unload", "obey", "--json"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_EQ(answer.json()["error"]["kind"], "bad-input");
}

TEST_F(Loading, TablesArePrinted) {
  must_load();
  far_.send({order('d'), order('p', 0, 1)});
  EXPECT_EQ(order('p', 0, 1), near_.receive());
  EXPECT_TRUE(wait([] { return total()["packets"] == 2; }));
  const std::string listed = vbpf({"list"}).out;
  for (const char* part : {"NAME", "CONFINEMENT", "obey", "attached", "xdp", "near", "native"})
    EXPECT_NE(listed.find(part), std::string::npos) << part << ": " << listed;
  const std::string shown = vbpf({"show", "obey"}).out;
  for (const std::string part : {"obey: attached", "confinement  ", "budget 10ms", "keeper ", "2, 0 faults"})
    EXPECT_NE(shown.find(part), std::string::npos) << part << ": " << shown;
  const std::string stats = vbpf({"stats", "obey", "--queues"}).out;
  for (const char* part : {"obey on near: attached", "  XDP_DROP                     1", "passed alone", "queue 0"})
    EXPECT_NE(stats.find(part), std::string::npos) << part << ": " << stats;
}

TEST_F(Loading, SecondOfTheSameNameIsRefused) {
  must_load();
  const Answer answer = load();
  EXPECT_EQ(answer.status, 1);
  EXPECT_TRUE(answer.says({"obey is loaded already", "`vbpf unload obey` first", "--name"}));
  far_.send({order('d', 0, 1), order('p', 0, 2)});
  EXPECT_EQ(order('p', 0, 2), near_.receive()) << "the first one is still at work";
}

TEST_F(Loading, SecondOnTheSameDeviceIsRefused) {
  must_load();
  const Answer answer = load("obey", {"--name", "second"});
  EXPECT_EQ(answer.status, 1);
  EXPECT_TRUE(answer.says({"near has XDP program", "already"}));
  EXPECT_EQ(list().size(), 1u);
}

TEST_F(Loading, NamesAreChecked) {
  for (const std::string name : {"../obey", ".hidden", "-f", "a b", "a/b", "\xc3\xa4"}) {
    const Answer answer = load("obey", {"--name=" + name});
    EXPECT_EQ(answer.status, 1) << name;
    EXPECT_TRUE(answer.says({"is no name for an extension", "--name"})) << name;
  }
  EXPECT_EQ(load("obey", {"--name", std::string(65, 'n')}).status, 1);
  EXPECT_EQ(load("obey", {"--name="}).status, 2);
  for (const char* verb : {"show", "stats", "log", "unload"})
    EXPECT_TRUE(vbpf({verb, "../obey"}).says({"is no name for an extension"})) << verb;
  expect_nothing_left();
  const std::string longest(64, 'n');
  must_load("obey", {"--name", longest});
  EXPECT_EQ(show(longest)["name"], longest);
}

TEST_F(Loading, RunFolderMayBeRelativeAndLong) {
  const std::string folder = folder_.path / std::string(200, 'x');
  std::filesystem::create_directory(folder);
  std::filesystem::current_path(folder);
  ::setenv("VBPF_RUN_DIR", "state", 1);
  must_load();
  EXPECT_EQ(list().size(), 1u);
  EXPECT_EQ(vbpf({"unload", "obey"}).status, 0);
  EXPECT_TRUE(wait([&] { return std::filesystem::is_empty(folder + "/state"); }));
  std::filesystem::current_path("/");
}

// ---- Several ----

class SeveralDevices : public Loading {
 protected:
  static constexpr int count = 4;
  SeveralDevices() {
    for (int i = 0; i < count; ++i) {
      const std::string end = std::to_string(i);
      network_.in_near(join({"ip link add", "n" + end, "up type veth peer name", "f" + end, "netns", network_.far}));
      network_.in_far("ip link set f" + end + " up");
    }
  }
  Answer load_on(int device, const std::string& name) const {
    return in_near({"load", object("obey"), "--hook", "xdp", "--dev", "n" + std::to_string(device), "--name", name});
  }
};

TEST_F(SeveralDevices, OfARaceForANameExactlyOneWins) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    std::vector<Answer> answers(count);
    for (int i = 0; i < count; ++i) threads.emplace_back([&, i] { answers[i] = load_on(i, "same"); });
    for (std::thread& thread : threads) thread.join();
    int won = 0;
    for (const Answer& answer : answers) {
      won += answer.status == 0;
      if (answer.status != 0) EXPECT_TRUE(answer.says({"same is loaded already"}));
    }
    EXPECT_EQ(won, 1);
    EXPECT_EQ(vbpf({"unload", "same"}).status, 0);
  }
  EXPECT_TRUE(wait([&] { return std::filesystem::is_empty(run_folder_); }));
}

TEST_F(SeveralDevices, AllAreListedAndUnloaded) {
  for (int i = 0; i < count; ++i) ASSERT_EQ(load_on(i, "e" + std::to_string(count - i)).status, 0);
  const Json listed = list();
  ASSERT_EQ(listed.size(), 4u);
  for (int i = 0; i < count; ++i) EXPECT_EQ(listed[i]["name"], "e" + std::to_string(i + 1)) << "in order";
  EXPECT_EQ(vbpf({"unload", "e1", "absent", "e2"}).status, 1);
  EXPECT_EQ(list().size(), 2u) << "those that are there are unloaded all the same";
  EXPECT_EQ(vbpf({"unload", "--all"}).out, "e3 is unloaded\ne4 is unloaded\n");
  EXPECT_EQ(vbpf({"unload", "--all"}).status, 0);
  EXPECT_EQ(vbpf({"unload"}).status, 2);
  EXPECT_EQ(list(), Json::array());
}

TEST_F(Loading, ListingMeanwhileDoesNotDisturb) {
  std::atomic<bool> done = false;
  std::thread lists([&] {
    while (!done) EXPECT_EQ(vbpf({"list"}).status, 0);
  });
  for (int round = 0; round < 8; ++round) {
    const Answer answer = load();
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(vbpf({"unload", "obey"}).status, 0);
  }
  done = true;
  lists.join();
}

}  // namespace
}  // namespace vbpf::cli_test
