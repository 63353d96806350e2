// SPDX-License-Identifier: Apache-2.0
#include "hook.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace vbpf {

Result<size_t> choose_entry(const std::vector<EntryInfo>& entries, const EntryName& asked,
                            const std::string& extension) {
  const bool xdp = asked.hook == "xdp";
  const std::string hook = xdp ? "XDP" : asked.hook;
  std::vector<size_t> found;
  std::string list;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].hook != asked.hook) continue;
    if (!asked.name.empty() && entries[i].name == asked.name) return i;
    list += (found.empty() ? "" : ", ") + entries[i].name;
    found.push_back(i);
  }
  if (found.empty()) {
    return Error{ErrorKind::bad_input, extension + " has no entry for the " + hook + " hook: mark one with " +
                                           (xdp ? "VBPF_XDP_ENTRY" : "VBPF_UFFD_ENTRY")};
  }
  if (!asked.name.empty())
    return Error{ErrorKind::bad_input, extension + " has no " + hook + " entry '" + asked.name + "'; it has " + list};
  if (found.size() == 1) return found[0];
  return Error{ErrorKind::bad_input, extension + " has several " + hook + " entries, choose one: " + list};
}

Result<File> open_source(const std::string& path) {
  if (path.empty()) return File();
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error{ErrorKind::bad_input, "cannot read the source " + path + ": " + std::strerror(errno)};
  struct stat status{};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return Error{ErrorKind::bad_input, "the source " + path + " is not a file"};
  if (status.st_size == 0) return Error{ErrorKind::bad_input, "the source " + path + " is empty"};
  return file;
}

SignalsElsewhere::SignalsElsewhere() {
  sigset_t others;
  sigemptyset(&others);
  for (const int number :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGPIPE, SIGWINCH, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2}) {
    sigaddset(&others, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &others, &before_);
}

SignalsElsewhere::~SignalsElsewhere() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

bool RestartLimit::may_restart() {
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  while (!restarts_.empty() && now - restarts_.front() > std::chrono::minutes(1)) restarts_.pop_front();
  if (restarts_.size() >= most_) return false;
  restarts_.push_back(now);
  return true;
}

}  // namespace vbpf
