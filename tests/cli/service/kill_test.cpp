// SPDX-License-Identifier: Apache-2.0
// However the worker, its keeper or the loading command end: nothing stays, and traffic flows.

#include <csignal>
#include <fstream>

#include "loaded.h"

namespace vbpf::cli_test {
namespace {

class Killed : public Loading {
 protected:
  void SetUp() override {
    must_load();
    const Json shown = show();
    worker_ = pid_of(shown);
    keeper_ = pid_of(shown, "keeper_pid");
    far_.send({order('d', 0, 1), order('p', 0, 2)});
    ASSERT_EQ(order('p', 0, 2), near_.receive());
  }
  void expect_gone() const {
    expect_nothing_left();
    EXPECT_FALSE(alive(worker_));
    EXPECT_FALSE(alive(keeper_));
    expect_traffic_flows();
    EXPECT_EQ(list(), Json::array());
    EXPECT_TRUE(vbpf({"stats", "obey"}).says({"no extension named obey is loaded"}));
    EXPECT_EQ(load().status, 0) << "it can be loaded again";
  }
  // Neither can do anything about the other's end.
  void kill_both() const {
    for (const pid_t process : {keeper_, worker_}) ASSERT_EQ(0, ::kill(process, SIGSTOP));
    for (const pid_t process : {keeper_, worker_}) ASSERT_EQ(0, ::kill(process, SIGKILL));
    EXPECT_TRUE(wait([&] { return !alive(worker_) && !alive(keeper_); }));
    EXPECT_TRUE(std::filesystem::exists(run_folder_ + "/obey/lock"));
  }
  pid_t worker_ = 0, keeper_ = 0;
};

TEST_F(Killed, Worker) {
  ::kill(worker_, SIGKILL);
  expect_gone();
}

TEST_F(Killed, Keeper) {
  ::kill(keeper_, SIGKILL);
  expect_gone();
}

TEST_F(Killed, WorkerByTerm) {
  ::kill(worker_, SIGTERM);
  expect_gone();
}

TEST_F(Killed, KeeperByTerm) {
  ::kill(keeper_, SIGTERM);
  expect_gone();
}

TEST_F(Killed, BothAndThenListed) {
  kill_both();
  expect_traffic_flows();
  EXPECT_TRUE(vbpf({"show", "obey"}).says({"no extension named obey is loaded"}));
  EXPECT_EQ(list(), Json::array());
  expect_gone();
}

TEST_F(Killed, BothAndThenLoadedAgain) {
  kill_both();
  EXPECT_EQ(load().status, 0);
  EXPECT_EQ(list().size(), 1u);
  far_.send({order('d', 0, 1), order('p', 0, 2)});
  EXPECT_EQ(order('p', 0, 2), near_.receive());
}

TEST_F(Killed, AWorkerThatHangsDoesNotHoldUpList) {
  ASSERT_EQ(0, ::kill(worker_, SIGSTOP));
  const Answer answer = vbpf({"show", "obey"});
  EXPECT_EQ(answer.status, 3);
  EXPECT_TRUE(answer.says({"the worker of obey does not answer"}));
  EXPECT_EQ(list()[0]["state"], "not answering");
  ::kill(worker_, SIGCONT);
}

TEST_F(Killed, AClientThatSaysNothingIsSentAway) {
  const Background silent({"socat", "-u", "UNIX-CONNECT:" + run_folder_ + "/obey/socket", "-"});
  const Background nonsense(
      {"sh", "-c", "head -c 100000 /dev/urandom | socat - UNIX-CONNECT:" + run_folder_ + "/obey/socket"});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(show()["state"], "attached");
}

TEST_F(Loading, CtrlCLeavesItLoadedOrLeavesNothing) {
  int interrupted = 0, loaded = 0;
  const Words arguments = load_command("obey");
  Words command{"ip", "netns", "exec", network_.near, VBPF_PROGRAM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  for (int ms = 0; ms < 150; ms += 5) {
    Background loading(command);
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    loading.signal(SIGINT);
    const int status = loading.wait();
    if (status == 0) {
      ++loaded;
      EXPECT_EQ(list().size(), 1u);
      EXPECT_EQ(vbpf({"unload", "obey"}).status, 0);
    } else {
      ++interrupted;
      EXPECT_EQ(status, 128 + SIGINT) << loading.output();
    }
    expect_nothing_left();
    if (HasFailure()) FAIL() << "interrupted after " << ms << " ms";
  }
  EXPECT_GT(interrupted, 0);
  RecordProperty("interrupted", interrupted);
  RecordProperty("loaded", loaded);
}

}  // namespace
}  // namespace vbpf::cli_test
