// SPDX-License-Identifier: Apache-2.0
// What a hijacked vbpf-symbolize could try.
#include "sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace {

constexpr int not_entered = 99;

// The status of a process that enters the sandbox and tries.
template <typename Attempt>
int status_of(Attempt attempt) {
  const pid_t child = fork();
  if (child == 0) {
    if (!vbpf::symbolize::enter_sandbox(4096)) _exit(not_entered);
    syscall(SYS_exit_group, attempt());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

template <typename Attempt>
void expect_killed(Attempt attempt) {
  const int status = status_of(attempt);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

template <typename Attempt>
void expect_exit(int code, Attempt attempt) {
  const int status = status_of(attempt);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == code) << status;
}

TEST(Sandbox, LetsItComputeAndAllocate) {
  expect_exit(7, [] {
    volatile char* memory = static_cast<char*>(malloc(10 << 20));
    if (memory == nullptr) return 1;
    memory[0] = 7;
    return static_cast<int>(memory[0]);
  });
}

TEST(Sandbox, KillsOnOtherSystemCalls) {
  expect_killed([] { return socket(AF_INET, SOCK_STREAM, 0); });
  expect_killed([] { return fork(); });
  expect_killed([] { return kill(getppid(), SIGTERM); });
  expect_killed([] { return execl("/bin/true", "true", nullptr); });
  expect_killed([] { return static_cast<int>(syscall(SYS_ptrace, 0, 0, 0, 0)); });
  expect_killed([] { return static_cast<int>(syscall(SYS_memfd_create, "x", 0)); });
  expect_killed([] { return static_cast<int>(syscall(SYS_mprotect, 0, 4096, PROT_READ | PROT_EXEC)); });
  expect_killed([] { return static_cast<int>(syscall(SYS_process_vm_writev, getppid(), 0, 0, 0, 0, 0)); });
  expect_killed([] { return static_cast<int>(syscall(SYS_io_uring_setup, 1, 0)); });
}

TEST(Sandbox, KillsOnExecutableMemory) {
  expect_killed([] {
    return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
  });
}

TEST(Sandbox, KillsOnCallsOfOtherArchitectures) {
  expect_killed([] { return static_cast<int>(syscall(0x40000000 | SYS_getpid)); });  // x32
  expect_killed([] {
    int result = 20;  // getpid of i386
    asm volatile("int $0x80" : "+a"(result)::"memory");
    return result;
  });
}

TEST(Sandbox, OpensNoFile) {
  expect_exit(EPERM, [] { return open("/etc/passwd", O_RDONLY) < 0 ? errno : 0; });
}

TEST(Sandbox, LimitsFilesMemoryAndTime) {
  const int file = memfd_create("test", 0);
  const auto before = signal(SIGXFSZ, SIG_IGN);
  expect_exit(EFBIG, [file] {
    char page[4096] = {};
    if (write(file, page, sizeof(page)) != sizeof(page)) return 1;
    return write(file, page, 1) < 0 ? errno : 0;
  });
  signal(SIGXFSZ, before);
  close(file);
  expect_exit(ENOMEM, [] {
    return mmap(nullptr, size_t{1} << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
  });
  const int status = status_of([] {
    for (volatile unsigned i = 0;; i = i + 1) {
    }
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

}  // namespace
