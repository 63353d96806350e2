// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "channel.h"

namespace vbpf::cli {
namespace {

void leave_the_terminal() {
  ::setsid();
  if (::chdir("/") != 0) ::_exit(exit_internal);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int standard : {0, 1, 2}) ::dup2(null, standard);
  ::close(null);
}

void wait_for_signals(const sigset_t& set, pid_t worker) {
  for (;;) {
    siginfo_t info{};
    if (::sigwaitinfo(&set, &info) < 0) continue;
    if (info.si_signo != SIGCHLD) {
      ::kill(worker, SIGTERM);
      continue;
    }
    if (::waitpid(worker, nullptr, WNOHANG) == worker) return;
  }
}

[[noreturn]] void be_keeper(const LoadRequest& request, const StateFolder& folder, Descriptor outcome) {
  leave_the_terminal();
  sigset_t set, before;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, &before);
  const pid_t keeper = ::getpid();
  const pid_t worker = ::fork();
  if (worker == 0) {
    ::prctl(PR_SET_NAME, "vbpf-worker");
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    const int status = ::getppid() == keeper ? run_worker(request, folder, std::move(outcome)) : exit_failed;
    folder.remove();
    ::_exit(status);
  }
  ::prctl(PR_SET_NAME, "vbpf-keeper");
  if (worker < 0) {
    write_line(outcome.get(),
               error_json({ErrorKind::machine, std::string("cannot start a worker: ") + std::strerror(errno)}));
  }
  outcome.close();
  if (worker > 0) wait_for_signals(set, worker);
  folder.remove();
  ::_exit(exit_ok);
}

}  // namespace

Result<Json> launch(const std::string& name, const LoadRequest& request) {
  VBPF_TRY(const StateFolder folder, StateFolder::claim(name));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    folder.remove();
    return Error{ErrorKind::machine, std::string("cannot make a pipe: ") + std::strerror(errno)};
  }
  const Descriptor heard(ends[0]);
  Descriptor told(ends[1]);
  const pid_t keeper = ::fork();
  if (keeper == 0) be_keeper(request, folder, std::move(told));
  if (keeper < 0) {
    folder.remove();
    return Error{ErrorKind::machine, std::string("cannot start a keeper: ") + std::strerror(errno)};
  }
  told.close();
  const Json outcome = Json::parse(read_line(heard.get()), nullptr, false);
  if (outcome.is_discarded() || !outcome.is_object())
    return Error{ErrorKind::internal, "the worker of " + name + " died before it had attached"};
  return unwrap(outcome);
}

}  // namespace vbpf::cli
