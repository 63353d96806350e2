// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <vector>

#include "channel.h"
#include "known_children.h"

namespace vbpf::cli {
namespace {

void leave_the_terminal() {
  ::setsid();
  if (::chdir("/") != 0) ::_exit(exit_internal);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) ::_exit(exit_internal);
  for (const int standard : {0, 1, 2}) ::dup2(null, standard);
  ::close(null);
}

// So that no descriptor of ours gets the number of a standard one that the caller had closed.
void open_standard_descriptors() {
  int null = -1;
  do null = ::open("/dev/null", O_RDWR);
  while (null >= 0 && null <= 2);
  if (null > 2) ::close(null);
}

// What the caller had open (a lock, say) must not stay open for as long as the extension is loaded.
void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  int from = 3;
  for (const int one : kept) {
    if (one < from) continue;  // none, or a standard one
    if (one > from) ::close_range(static_cast<unsigned>(from), static_cast<unsigned>(one) - 1, 0);
    from = one + 1;
  }
  ::close_range(static_cast<unsigned>(from), ~0u, 0);
}

// Blocks the signals that end a process, as long as it lives.
class Uninterrupted {
 public:
  Uninterrupted() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, &before_);
  }
  ~Uninterrupted() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;

 private:
  sigset_t before_{};
};

// The worker's status, as waitpid() gives it, once it has ended. `channel`: where it tells of children, or -1.
int wait_for_worker(const sigset_t& set, pid_t worker, int channel, KnownChildren* children) {
  const File signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  pollfd waiting[] = {{signals.get(), POLLIN, 0}, {channel, POLLIN, 0}};
  for (;;) {
    ::poll(waiting, 2, -1);
    if (waiting[1].revents != 0 && !children->hear(channel)) waiting[1].fd = -1;
    signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof(info)) != sizeof(info)) continue;
    if (info.ssi_signo != SIGCHLD) {
      ::kill(worker, SIGTERM);
      continue;
    }
    int status = 0;
    if (::waitpid(worker, &status, WNOHANG) != worker) continue;
    if (waiting[1].fd >= 0) children->hear(channel);
    return status;
  }
}

// Each child of a program's fork is a descriptor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  constexpr rlim_t enough = 8192;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, enough));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// The request, as the worker gets it.
LoadRequest with_channel(const LoadRequest& request, int channel) {
  LoadRequest with = request;
  with.uffd.on_child = [channel](const uffd::ChildNews& news) { tell_of_child(channel, news); };
  return with;
}

[[noreturn]] void be_keeper(const LoadRequest& request, const StateFolder& folder, File outcome) {
  leave_the_terminal();
  std::vector<int> kept{folder.lock(), outcome.get()};
  if (request.target) kept.insert(kept.end(), {request.target->descriptor(), request.target->process()});
  close_all_but(std::move(kept));
  sigset_t set, before;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, &before);
  std::pair<File, File> channel;
  std::optional<KnownChildren> children;
  if (request.target) {
    raise_descriptor_limit();
    auto made = make_child_channel();
    if (!made) {
      write_line(outcome.get(), error_json(made.error()));
      folder.remove();
      ::_exit(exit_ok);
    }
    channel = *std::move(made);
    children.emplace(*request.target);
  }
  const pid_t keeper = ::getpid();
  const pid_t worker = ::fork();
  if (worker == 0) {
    ::prctl(PR_SET_NAME, "vbpf-worker");
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    channel.first.close();
    const LoadRequest own = channel.second ? with_channel(request, channel.second.get()) : request;
    const int status = ::getppid() == keeper ? run_worker(own, folder, std::move(outcome)) : exit_failed;
    folder.remove();
    ::_exit(status);
  }
  ::prctl(PR_SET_NAME, "vbpf-keeper");
  if (worker < 0) {
    write_line(outcome.get(),
               error_json({ErrorKind::machine, std::string("cannot start a worker: ") + std::strerror(errno)}));
  }
  outcome.close();
  channel.second.close();
  // A worker that ends by itself has handed the faults back, or has attached nothing: then the program's memory is not
  // ours to change.
  const bool killed =
      worker > 0 && WIFSIGNALED(wait_for_worker(set, worker, channel.first.get(), children ? &*children : nullptr));
  if (killed && request.target) {
    request.target->hand_back(request.uffd.on_exit);
    children->give_up(request.uffd.on_exit);
  }
  folder.remove();
  ::_exit(exit_ok);
}

// Where the outcome is to be read and confirmed. From here on the keeper deletes the state folder: a signal that ends
// this process comes before all of this, or after.
Result<File> start_keeper(const std::string& name, const LoadRequest& request) {
  const Uninterrupted uninterrupted;
  VBPF_TRY(const StateFolder folder, StateFolder::claim(name));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    folder.remove();
    return Error{ErrorKind::machine, std::string("cannot make a pair of sockets: ") + std::strerror(errno)};
  }
  File heard(ends[0]), told(ends[1]);
  const pid_t keeper = ::fork();
  if (keeper == 0) be_keeper(request, folder, std::move(told));
  if (keeper < 0) {
    folder.remove();
    return Error{ErrorKind::machine, std::string("cannot start a keeper: ") + std::strerror(errno)};
  }
  return heard;
}

}  // namespace

Result<Json> launch(const std::string& name, const LoadRequest& request) {
  open_standard_descriptors();
  VBPF_TRY(const File heard, start_keeper(name, request));
  const Json outcome = Json::parse(read_line(heard.get()), nullptr, false);
  if (outcome.is_discarded() || !outcome.is_object())
    return Error{ErrorKind::internal, "the worker of " + name + " died before it had attached"};
  // Nothing ends this process between confirming and saying so.
  static const Uninterrupted until_the_end;
  if (outcome.contains("ok") && ::write(heard.get(), "\n", 1) != 1)
    return Error{ErrorKind::internal, "the worker of " + name + " died as soon as it had attached"};
  return unwrap(outcome);
}

}  // namespace vbpf::cli
