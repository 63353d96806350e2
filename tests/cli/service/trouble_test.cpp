// SPDX-License-Identifier: Apache-2.0
// Loads that cannot succeed: one clear line, the right exit status, nothing left.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "loaded.h"

namespace vbpf::cli_test {
namespace {

class Trouble : public Loading {
 protected:
  void expect_failure(const Answer& answer, int status, const std::vector<std::string>& parts) const {
    EXPECT_EQ(answer.status, status);
    EXPECT_TRUE(answer.says(parts));
    expect_nothing_left();
  }
};

TEST_F(Trouble, WhatIsAskedForIsNotThere) {
  expect_failure(in_near({"load", object("obey"), "--hook", "tc", "--dev", "near"}), 1,
                 {"hook tc is not known; this version has: xdp"});
  expect_failure(in_near({"load", object("obey"), "--hook", "xdp", "--dev", "nowhere"}), 1,
                 {"there is no network device 'nowhere'", "`ip link`"});
  expect_failure(in_near({"load", "absent.o", "--dev", "near"}), 1, {"absent.o", "No such file"});
  expect_failure(load("obey", {"--entry", "nothing"}), 1, {"obey has no XDP entry 'nothing'; it has obey"});
  expect_failure(load("obey", {"--zero-copy"}), 1, {"zero-copy was asked for, and near cannot do it"});
  expect_failure(load("obey", {"--frames", "1000"}), 1, {"power of two"});
  expect_failure(in_near({"load", folder_.file("text.o", "no ELF file at all"), "--dev", "near"}), 1, {"ELF"});
  EXPECT_EQ(in_near({"load", object("obey")}).status, 2) << "no device";
  EXPECT_EQ(load("obey", {"--poll", "never"}).status, 2);
  EXPECT_EQ(load("obey", {"--copy", "--zero-copy"}).status, 2);
}

TEST_F(Trouble, UnconfinedIsRefusedUntilConfirmedAndLoud) {
  expect_failure(load("obey", {"--unconfined"}), 1, {"--i-know"});
  const Answer answer = load("obey", {"--unconfined", "--i-know"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_TRUE(answer.says({"WARNING", "UNCONFINED"}));
  EXPECT_EQ(show()["confinement"], "unconfined");
}

// ---- The state folder ----

class StateFolder : public Trouble {
 protected:
  void mount(const char* options, unsigned long flags = 0) {
    ASSERT_EQ(0, ::mount("vbpf-test", run_folder_.c_str(), "tmpfs", flags, options)) << std::strerror(errno);
    mounted_ = true;
  }
  void unmount() {
    vbpf({"unload", "--all"});
    EXPECT_TRUE(wait([&] { return std::filesystem::is_empty(run_folder_); }));
    EXPECT_EQ(0, ::umount(run_folder_.c_str())) << std::strerror(errno);
    mounted_ = false;
  }
  void TearDown() override {
    if (mounted_) unmount();
  }
  bool mounted_ = false;
};

// The folder, its lock, its socket: each may be what does not fit any more.
TEST_F(StateFolder, OnAFullDisk) {
  for (const char* room : {"nr_inodes=1", "nr_inodes=2", "nr_inodes=3"}) {
    mount(room);
    expect_failure(load(), 3, {"cannot write " + run_folder_, "No space left", "make room there, or set VBPF_RUN_DIR"});
    unmount();
  }
  mount("nr_inodes=4");
  EXPECT_EQ(load().status, 0);
}

TEST_F(StateFolder, ThatIsReadOnly) {
  mount("", MS_RDONLY);
  expect_failure(load(), 3, {"cannot write " + run_folder_, "Read-only", "set VBPF_RUN_DIR"});
}

TEST_F(StateFolder, ThatCannotBeMade) {
  ::setenv("VBPF_RUN_DIR", (run_folder_ + "/a/b").c_str(), 1);
  EXPECT_TRUE(load().says({"cannot write " + run_folder_ + "/a/b", "No such file"}));
  ::setenv("VBPF_RUN_DIR", folder_.file("file", "").c_str(), 1);
  EXPECT_TRUE(load().says({"cannot write", "Not a directory"}));
  ::setenv("VBPF_RUN_DIR", run_folder_.c_str(), 1);
  expect_nothing_left();
}

TEST_F(StateFolder, WithSomebodyElsesThingsInItIsLeftAlone) {
  folder_.file("run/file", "");
  std::filesystem::create_directories(run_folder_ + "/empty");
  EXPECT_EQ(list(), Json::array());
  must_load();
  EXPECT_EQ(list().size(), 1u);
  EXPECT_EQ(vbpf({"unload", "--all"}).out, "obey is unloaded\n");
  EXPECT_TRUE(std::filesystem::exists(run_folder_ + "/file") && std::filesystem::exists(run_folder_ + "/empty"));
  std::filesystem::remove_all(run_folder_ + "/empty");
  std::filesystem::remove(run_folder_ + "/file");
}

// ---- Permission ----

class Nobody : public Trouble {
 protected:
  void SetUp() override {
    std::filesystem::permissions(folder_.path, std::filesystem::perms(0755));
    if (as_nobody({"--version"}).status != 0)
      GTEST_SKIP() << "the build folder cannot be read by everybody, so nobody cannot run " VBPF_PROGRAM;
  }
  Answer as_nobody(const Words& arguments) const {
    Words command{"ip",    "netns",   "exec",  network_.near,    "setpriv",   "--reuid",
                  "65534", "--regid", "65534", "--clear-groups", VBPF_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
  }
};

TEST_F(Nobody, CannotLoad) {
  expect_failure(as_nobody(load_command("obey")), 1, {"cannot write " + run_folder_, "Permission denied; run as root"});
  std::filesystem::permissions(run_folder_, std::filesystem::perms(0777));
  expect_failure(as_nobody(load_command("obey")), 1, {"not permitted; run as root, or with CAP_NET_ADMIN"});
}

TEST_F(Nobody, CannotSeeOrUnload) {
  must_load();
  for (const Words& arguments : std::vector<Words>{
           {"list"}, {"show", "obey"}, {"stats", "obey"}, {"log", "obey"}, {"unload", "obey"}, {"unload", "--all"}}) {
    const Answer answer = as_nobody(arguments);
    EXPECT_EQ(answer.status, 1) << join(arguments);
    EXPECT_TRUE(answer.says({"not permitted", "run as root"})) << join(arguments);
  }
  EXPECT_EQ(show()["state"], "attached");
}

// ---- The kernel ----

// A kernel that refuses what the filter refuses: everything that runs in this thread from now on.
void without_sockets_of(int family) {
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(family), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  ASSERT_EQ(0, ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  ASSERT_EQ(0, ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) << std::strerror(errno);
}

TEST_F(Trouble, KernelWithoutAfXdp) {
  Answer answer;
  std::thread([&] {
    without_sockets_of(AF_XDP);
    answer = load();
  }).join();
  expect_failure(answer, 3, {"this kernel has no AF_XDP sockets: one with CONFIG_XDP_SOCKETS is needed"});
}

}  // namespace
}  // namespace vbpf::cli_test
