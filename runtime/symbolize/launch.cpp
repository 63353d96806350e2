// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <memory>

namespace vbpf::symbolize {

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

namespace {

constexpr size_t stack_size = size_t{32} << 10;

struct Start {
  const char* program;
  const char* argument;
  Files files;
  int milliseconds;
  bool succeeded;
  std::byte* program_stack_top;
};

// Both functions below run in processes that share the memory of the one that asks, whose calling thread is suspended
// meanwhile (CLONE_VFORK). They make system calls and touch nothing but their Start and errno. All signals are blocked,
// so that no handler of the host's can run in them.

[[noreturn]] void end(int code) {
  for (;;) syscall(SYS_exit_group, code);
}

int become_program(void* argument) {
  const Start& start = *static_cast<const Start*>(argument);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (dup2(start.files.request, request_fd) < 0 || dup2(start.files.reply, reply_fd) < 0 ||
      dup2(start.files.object, object_fd) < 0) {
    end(127);
  }
  close(2);
  // The host's files do not go to a program that reads hostile input.
  if (syscall(SYS_close_range, object_fd + 1, ~0U, 0) != 0) end(127);
  char* const arguments[] = {const_cast<char*>(start.program), const_cast<char*>(start.argument), nullptr};
  char* const environment[] = {nullptr};
  execve(start.program, arguments, environment);
  end(127);
}

// Stands between: a program that was started by execve() announces its end by SIGCHLD, and it is this process that gets
// it. This one never calls execve(), so that its own end is silent, and wait() of the host passes it over.
int watch_program(void* argument) {
  Start& start = *static_cast<Start*>(argument);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Where SIGCHLD is ignored a child leaves no status. This process has its own table of handlers.
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &action, nullptr);
  int pidfd = -1;
  const int child =
      clone(become_program, start.program_stack_top, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, argument, &pidfd);
  if (child < 0) end(1);
  pollfd ended{pidfd, POLLIN, 0};
  if (poll(&ended, 1, start.milliseconds) != 1) kill(child, SIGKILL);
  int status = 0;
  start.succeeded = waitpid(child, &status, __WALL) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  end(0);
}

}  // namespace

bool run_program(const char* program, const char* argument, Files files, int milliseconds) {
  const auto stacks = std::make_unique<std::byte[]>(2 * stack_size);
  Start start{program, argument, files, milliseconds, false, stacks.get() + stack_size};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const int watcher = clone(watch_program, stacks.get() + 2 * stack_size, CLONE_VM | CLONE_VFORK, &start);
  // ECHILD: the host waited for all kinds of children in another thread. It has ended all the same.
  if (watcher > 0) {
    while (waitpid(watcher, nullptr, __WALL) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return watcher > 0 && start.succeeded;
}

}  // namespace vbpf::symbolize
