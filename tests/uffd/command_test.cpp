// SPDX-License-Identifier: Apache-2.0
// vbpf load --hook uffd, on another process.
#include "../cli/command.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <thread>

#include "area.h"
#include "soon.h"

namespace vbpf::cli_test {
namespace {

using namespace std::chrono_literals;
using uffd::test::soon;
using Words = std::vector<std::string>;

// uffd_victim, with pipes to talk to it.
class Victim {
 public:
  explicit Victim(size_t pages = 64, bool with_events = false) {
    int in[2], out[2];
    if (::pipe(in) != 0 || ::pipe(out) != 0) ADD_FAILURE() << "no pipes";
    const std::string count = std::to_string(pages);
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      for (const int one : {in[0], in[1], out[0], out[1]}) ::close(one);
      ::execl(UFFD_VICTIM, "uffd_victim", count.c_str(), with_events ? "events" : nullptr, nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = ::fdopen(in[1], "w");
    from_ = ::fdopen(out[0], "r");
    EXPECT_EQ(std::fscanf(from_, "%d %d", &pid, &descriptor), 2);
  }
  ~Victim() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    std::fclose(to_);
    std::fclose(from_);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  void tell(const std::string& line) const {
    std::fprintf(to_, "%s\n", line.c_str());
    std::fflush(to_);
  }
  // Its answer; -1 when it has ended, or within five seconds there is none.
  long hear() const {
    long answer = -1;
    fd_set set;
    FD_ZERO(&set);
    FD_SET(::fileno(from_), &set);
    timeval limit{5, 0};
    if (::select(::fileno(from_) + 1, &set, nullptr, nullptr, &limit) != 1) return -1;
    return std::fscanf(from_, "%ld", &answer) == 1 ? answer : -1;
  }
  long ask(const std::string& line) const {
    tell(line);
    return hear();
  }
  void end() { ::kill(process_, SIGKILL), ::waitpid(process_, nullptr, 0); }

  int pid = 0, descriptor = -1;

 private:
  pid_t process_ = -1;
  FILE *to_ = nullptr, *from_ = nullptr;
};

class Uffd : public testing::Test {
 protected:
  Uffd() { ::setenv("VBPF_RUN_DIR", (folder_.path / "run").c_str(), 1); }
  ~Uffd() override {
    vbpf({"unload", "--all"});
    ::unsetenv("VBPF_RUN_DIR");
  }
  static std::string sample(const std::string& name) { return SAMPLES_FOLDER "/" + name + "/" + name + ".o"; }
  static Answer load(const std::string& object, const Victim& victim, const Words& more = {}) {
    Words words{"load", object, "--hook", "uffd", "--pid", std::to_string(victim.pid)};
    words.insert(words.end(), more.begin(), more.end());
    return vbpf(words);
  }
  static Json total(const std::string& name) { return vbpf({"stats", name, "--json"}).json()["total"]; }

  const Folder folder_;
};

TEST_F(Uffd, LoadsShowsCountsAndUnloads) {
  const Victim victim;
  const Answer loaded = load(sample("zero_pager"), victim);
  ASSERT_EQ(loaded.status, 0) << loaded.err;
  EXPECT_NE(loaded.out.find("serves descriptor " + std::to_string(victim.descriptor) + " of process " +
                            std::to_string(victim.pid) + " (256 KiB registered) from 1 thread of its worker"),
            std::string::npos)
      << loaded.out;
  EXPECT_EQ(victim.ask("scan"), 0);
  EXPECT_TRUE(soon([] { return total("zero_pager")["zeroed"] == 64; }));
  const Json shown = vbpf({"show", "zero_pager", "--json"}).json();
  EXPECT_EQ(shown["hook"], "uffd");
  EXPECT_EQ(shown["way"], "worker");
  EXPECT_EQ(shown["target_pid"], victim.pid);
  EXPECT_EQ(shown["total"]["page_faults"], 64);
  EXPECT_NE(vbpf({"show", "zero_pager"}).out.find("page faults  64, 0 faults, 0 restarts"), std::string::npos);
  EXPECT_NE(vbpf({"stats", "zero_pager", "--queues"}).out.find("thread 0"), std::string::npos);
  EXPECT_NE(vbpf({"list"}).out.find("process " + std::to_string(victim.pid)), std::string::npos);
  EXPECT_EQ(vbpf({"unload", "zero_pager"}).status, 0);
}

TEST_F(Uffd, RestoresASnapshot) {
  std::string image;
  for (int page = 0; page < 64; ++page) image += std::string(4096, page % 3 == 0 ? '\0' : static_cast<char>(page));
  const std::string raw = folder_.file("memory.img", image), snapshot = (folder_.path / "memory.snap").string();
  ASSERT_EQ(run({SAMPLES_FOLDER "/../bin/make_snapshot", raw, snapshot}).status, 0);
  const Victim victim;
  const Answer loaded = load(sample("snapshot_pager"), victim, {"--source", snapshot, "--threads", "2"});
  ASSERT_EQ(loaded.status, 0) << loaded.err;
  EXPECT_EQ(victim.ask("read 5"), 5);
  EXPECT_EQ(victim.ask("read 6"), 0);
  EXPECT_EQ(victim.ask("scan"), 64 * 63 / 2 - 3 * (21 * 22 / 2));
}

TEST_F(Uffd, DecompressesAnImage) {
  std::string image;
  for (int page = 0; page < 64; ++page) {
    std::string bytes(4096, static_cast<char>(page));
    for (size_t at = 1; at < bytes.size() && page % 2 != 0; ++at)  // does not get smaller
      bytes[at] = static_cast<char>((at * 2654435761u + static_cast<size_t>(page)) >> 13);
    image += bytes;
  }
  const std::string raw = folder_.file("memory.img", image), packed = (folder_.path / "memory.lz4").string();
  ASSERT_EQ(run({SAMPLES_FOLDER "/../bin/make_lz4_image", raw, packed}).status, 0);
  EXPECT_LT(std::filesystem::file_size(packed), image.size() * 3 / 4);
  const Victim victim;
  ASSERT_EQ(load(sample("lz4_pager"), victim, {"--source", packed}).status, 0);
  EXPECT_EQ(victim.ask("scan"), 64 * 63 / 2);
}

TEST_F(Uffd, PrefetchesAlongAScan) {
  std::string image;
  for (int page = 0; page < 1000; ++page) image += std::string(4096, static_cast<char>(page % 100));
  const std::string source = folder_.file("memory.img", image);
  const Victim victim(1000);
  ASSERT_EQ(load(sample("prefetch_pager"), victim, {"--source", source}).status, 0);
  EXPECT_EQ(victim.ask("scan"), 10 * 4950);
  EXPECT_TRUE(soon([] { return total("prefetch_pager")["prefetched"] > 900; })) << total("prefetch_pager");
  EXPECT_LT(total("prefetch_pager")["page_faults"], 40);
}

TEST_F(Uffd, TracksWhatIsWritten) {
  const Victim victim;
  ASSERT_EQ(load(sample("zero_pager"), victim).status, 0);
  EXPECT_EQ(victim.ask("scan"), 0);
  ASSERT_EQ(vbpf({"unload", "zero_pager"}).status, 0);
  ASSERT_EQ(load(sample("wp_tracker"), victim).status, 0);
  EXPECT_EQ(victim.ask("protect"), 0);
  EXPECT_EQ(victim.ask("write 9"), 7);
  EXPECT_EQ(victim.ask("write 11"), 7);
  EXPECT_EQ(victim.ask("write 9"), 7);
  EXPECT_TRUE(soon([] { return total("wp_tracker")["unprotected"] == 2; }));
  const Json shown = vbpf({"show", "wp_tracker", "--json"}).json();
  const Json dirty = Json::parse(run({"bpftool", "--json", "map", "dump", "id", shown["maps"][0]["id"].dump()}).out);
  EXPECT_EQ(dirty.size(), 2u) << dirty;
}

TEST_F(Uffd, WhenTheWorkerDiesFaultsWaitForWhatIsLoadedNext) {
  const Victim victim;
  ASSERT_EQ(load(UFFD_OBEY, victim).status, 0);
  const Json shown = vbpf({"show", "obey", "--json"}).json();
  victim.tell("read 2");  // passed: nobody answers
  EXPECT_TRUE(soon([] { return total("obey")["passed"] > 0; }));
  ASSERT_EQ(::kill(shown["pid"].get<pid_t>(), SIGKILL), 0);
  EXPECT_TRUE(soon([] { return vbpf({"list", "--json"}).json().empty(); }));
  ASSERT_EQ(load(sample("zero_pager"), victim).status, 0);
  EXPECT_EQ(victim.hear(), 0);
}

TEST_F(Uffd, WhenTheWorkerDiesThePolicyAnswers) {
  for (const char* policy : {"zero", "poison"}) {
    const Victim victim;
    ASSERT_EQ(load(UFFD_OBEY, victim, {"--on-exit", policy}).status, 0);
    const Json shown = vbpf({"show", "obey", "--json"}).json();
    EXPECT_EQ(victim.ask("read 30"), 30);
    victim.tell("read 2");
    EXPECT_TRUE(soon([] { return total("obey")["passed"] > 0; }));
    ASSERT_EQ(::kill(shown["pid"].get<pid_t>(), SIGKILL), 0);
    EXPECT_EQ(victim.hear(), std::string(policy) == "zero" ? 0 : -1);
    if (std::string(policy) == "zero") EXPECT_EQ(victim.ask("read 30"), 30);
    EXPECT_TRUE(soon([] { return vbpf({"list", "--json"}).json().empty(); }));
  }
}

std::string numbered_pages(int pages) {
  std::string image;
  for (int page = 0; page < pages; ++page) image += std::string(4096, static_cast<char>(page % 100));
  return image;
}

long userfaultfds_of(const Json& pid) {
  long count = 0;
  std::error_code gone;  // a descriptor, meanwhile
  for (const auto& one : std::filesystem::directory_iterator("/proc/" + pid.dump() + "/fd"))
    count += std::filesystem::read_symlink(one.path(), gone) == "anon_inode:[userfaultfd]" ? 1 : 0;
  return count;
}

TEST_F(Uffd, ChildrenOfForksAreServedAlike) {
  const std::string source = folder_.file("memory.img", numbered_pages(100));
  const Victim victim(100, true);
  ASSERT_EQ(load(sample("prefetch_pager"), victim, {"--source", source, "--threads", "2"}).status, 0);
  const Json shown = vbpf({"show", "prefetch_pager", "--json"}).json();
  // The worker has the one that it was given, too.
  const long worker = userfaultfds_of(shown["pid"]), keeper = userfaultfds_of(shown["keeper_pid"]);
  EXPECT_EQ(worker, 2);
  EXPECT_EQ(keeper, 1);
  EXPECT_EQ(shown["children"], 0);
  EXPECT_EQ(victim.ask("forks 3 5"), 0);
  EXPECT_EQ(victim.ask("forks 200 0"), 0);
  EXPECT_GT(victim.ask("enter"), 0);
  EXPECT_EQ(victim.ask("forks 2 1"), 0);
  EXPECT_TRUE(soon([] { return vbpf({"show", "prefetch_pager", "--json"}).json()["children"] == 1; }));
  EXPECT_NE(vbpf({"show", "prefetch_pager"}).out.find("children     1 of its forks are served"), std::string::npos);
  EXPECT_TRUE(soon([&] { return userfaultfds_of(shown["pid"]) == worker + 1; }));
  EXPECT_TRUE(soon([&] { return userfaultfds_of(shown["keeper_pid"]) == keeper + 1; }));
  EXPECT_EQ(victim.ask("verify"), 0);
  EXPECT_EQ(victim.ask("leave"), 0);
  EXPECT_EQ(victim.ask("verify"), 0) << "of the parent";
  EXPECT_TRUE(soon([&] { return vbpf({"show", "prefetch_pager", "--json"}).json()["children"] == 0; }));
  EXPECT_TRUE(soon([&] { return userfaultfds_of(shown["pid"]) == worker; })) << userfaultfds_of(shown["pid"]);
  EXPECT_TRUE(soon([&] { return userfaultfds_of(shown["keeper_pid"]) == keeper; }));
  EXPECT_EQ(total("prefetch_pager")["events"], 3 * 6 + 200 + 1 + 2 * 2);
  EXPECT_EQ(vbpf({"log", "prefetch_pager"}).out, "");
}

TEST_F(Uffd, ChildrenThatOutliveTheProcessAreServed) {
  const std::string source = folder_.file("memory.img", numbered_pages(100));
  const Victim victim(100, true);
  ASSERT_EQ(load(sample("prefetch_pager"), victim, {"--source", source}).status, 0);
  const long child = victim.ask("orphan");
  EXPECT_GT(child, 0);
  EXPECT_TRUE(soon([&] {
    return ::kill(victim.pid, 0) != 0 || !std::filesystem::exists("/proc/" + std::to_string(victim.pid) + "/exe");
  }));
  EXPECT_EQ(victim.ask("forks 1 1"), 0);
  EXPECT_EQ(victim.ask("verify"), 0);
  EXPECT_EQ(vbpf({"show", "prefetch_pager", "--json"}).json()["state"], "attached");
  victim.tell("leave");
  EXPECT_TRUE(soon([] { return vbpf({"show", "prefetch_pager", "--json"}).json()["state"] == "detached"; }));
}

// What they would read is nowhere to be had: a signal, unless zeros were asked for.
TEST_F(Uffd, WhenTheWorkerGoesChildrenMeetThePolicy) {
  for (const bool killed : {true, false}) {
    for (const char* policy : {"wait", "zero", "poison"}) {
      const Victim victim(64, true);
      ASSERT_EQ(load(UFFD_OBEY, victim, {"--on-exit", policy}).status, 0);
      EXPECT_GT(victim.ask("enter"), 0);
      EXPECT_EQ(victim.ask("read 30"), 30);
      if (killed) {
        ASSERT_EQ(::kill(vbpf({"show", "obey", "--json"}).json()["pid"].get<pid_t>(), SIGKILL), 0);
        EXPECT_TRUE(soon([] { return vbpf({"list", "--json"}).json().empty(); }));
      } else {
        ASSERT_EQ(vbpf({"unload", "obey"}).status, 0);
      }
      EXPECT_EQ(victim.ask("read 30"), 30);
      EXPECT_EQ(victim.ask("read 31"), std::string(policy) == "zero" ? 0 : SIGBUS) << policy << killed;
    }
  }
}

TEST_F(Uffd, WhatIsPassedInAChildMeetsThePolicyToo) {
  for (const char* policy : {"zero", "poison", "wait"}) {
    const Victim victim(64, true);
    ASSERT_EQ(load(UFFD_OBEY, victim, {"--on-exit", policy}).status, 0);
    EXPECT_GT(victim.ask("enter"), 0);
    victim.tell("read 2");
    if (std::string(policy) == "wait") {
      EXPECT_TRUE(soon([] { return total("obey")["passed"] >= 3; })) << "it is asked again";
      ASSERT_EQ(vbpf({"unload", "obey"}).status, 0);
    }
    EXPECT_EQ(victim.hear(), std::string(policy) == "zero" ? 0 : SIGBUS) << policy;
    vbpf({"unload", "obey"});
  }
}

TEST_F(Uffd, ALoadThatFailsLeavesTheMemoryAsItWas) {
  const Victim victim;
  EXPECT_EQ(load(sample("zero_pager"), victim, {"--on-exit", "zero", "--threads", "0"}).status, 1);
  EXPECT_TRUE(soon([] { return vbpf({"list", "--json"}).json().empty(); }));
  ASSERT_EQ(load(UFFD_OBEY, victim).status, 0);
  EXPECT_EQ(victim.ask("read 30"), 30);
}

// A program that sends its descriptor before it touches anything; 0: it found zeros.
int send_and_touch(const std::string& socket_path, int go) {
  const vbpf::uffd::test::Area area;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof(address.sun_path) - 1);
  const int connection = ::socket(AF_UNIX, SOCK_STREAM, 0);
  for (int tries = 0; ::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0; ++tries) {
    if (tries == 500) return 2;
    std::this_thread::sleep_for(10ms);
  }
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  char text[] = "[]";
  iovec data{text, 2};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int descriptor = area.descriptor();
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
  if (::sendmsg(connection, &message, 0) < 0) return 3;
  char byte = 0;
  if (::read(go, &byte, 1) != 1) return 4;
  return area.word(30) == 0 ? 0 : 1;
}

TEST_F(Uffd, TakesADescriptorThatIsSent) {
  const std::string path = (folder_.path / "socket").string();
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(send_and_touch(path, go[0]));
  const Answer loaded = vbpf({"load", sample("zero_pager"), "--hook", "uffd", "--listen", path});
  ASSERT_EQ(loaded.status, 0) << loaded.err;
  EXPECT_NE(loaded.err.find("waiting at " + path), std::string::npos);
  EXPECT_NE(loaded.out.find("of process " + std::to_string(child)), std::string::npos) << loaded.out;
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(vbpf({"unload", "zero_pager"}).status, 0);
  for (const int end : go) ::close(end);
  const Answer taken = vbpf({"load", sample("zero_pager"), "--hook", "uffd", "--listen", "/dev/null"});
  EXPECT_EQ(taken.status, 1);
  EXPECT_TRUE(taken.says({"cannot make the socket /dev/null"}));
}

TEST_F(Uffd, TheEndOfTheProcessIsSaid) {
  Victim victim;
  ASSERT_EQ(load(sample("zero_pager"), victim).status, 0);
  victim.end();
  EXPECT_TRUE(soon([] { return vbpf({"show", "zero_pager", "--json"}).json()["state"] == "detached"; }));
  EXPECT_EQ(vbpf({"show", "zero_pager", "--json"}).json()["detached_reason"],
            "process " + std::to_string(victim.pid) + " has ended");
  EXPECT_EQ(vbpf({"unload", "zero_pager"}).status, 0);
}

TEST_F(Uffd, RefusesWhatMakesNoSense) {
  const Victim victim;
  const std::string object = sample("zero_pager"), pid = std::to_string(victim.pid);
  const auto expect = [&](const Words& words, int status, const Words& parts) {
    Words all{"load", object};
    all.insert(all.end(), words.begin(), words.end());
    const Answer answer = vbpf(all);
    EXPECT_EQ(answer.status, status) << answer.out;
    EXPECT_TRUE(answer.says(parts));
  };
  expect({"--hook", "uffd"}, 2, {"--pid"});
  expect({"--hook", "uffd", "--pid", "12x"}, 2, {"12x is neither a process nor PID:FD"});
  expect({"--hook", "uffd", "--pid", pid, "--dev", "lo"}, 2, {"--dev"});
  expect({"--hook", "xdp", "--dev", "lo", "--source", "x"}, 2, {"--source"});
  expect({"--hook", "uffd", "--pid", pid, "--packet-bytes", "64"}, 2, {"--packet-bytes"});
  expect({"--hook", "uffd", "--pid", pid, "--engine", "user", "--precise"}, 1, {"--precise", "kernel engine"});
  expect({"--hook", "uffd", "--pid", pid, "--engine", "kernel"}, 3, {"has no vBPF engine"});
  expect({"--hook", "uffd", "--pid", pid, "--engine", "kernel", "--on-exit", "zero"}, 1, {"--on-exit"});
  expect({"--hook", "uffd", "--pid", "4194303"}, 1, {"process 4194303 does not exist"});
  expect({"--hook", "uffd", "--pid", pid + ":0"}, 1, {"descriptor 0", "is not a userfaultfd; it has"});
  expect({"--hook", "uffd", "--pid", pid, "--source", "/nonexistent"}, 1, {"cannot read the source /nonexistent"});
  expect({"--hook", "uffd", "--pid", pid, "--source", "/dev/null"}, 1, {"is not a file"});
  expect({"--hook", "uffd", "--pid", pid, "--threads", "0"}, 1, {"threads: 1 to 64"});
  const Answer no_entry = load(sample("hello"), victim);
  EXPECT_EQ(no_entry.status, 1);
  EXPECT_TRUE(no_entry.says({"hello has no entry for the uffd hook: mark one with VBPF_UFFD_ENTRY"}));
  EXPECT_EQ(vbpf({"list", "--json"}).json(), Json::array());
}

}  // namespace
}  // namespace vbpf::cli_test
