// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

extern char** environ;

namespace vbpf::driver {
namespace {

std::atomic<int> pending_signal{0};
std::atomic<pid_t> child{0};

// A tool that is running is told to end as well: a signal from `kill` reaches only this process.
void on_signal(int number) {
  pending_signal = number;
  pid_t running = child;
  if (running > 0) kill(running, SIGTERM);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  child = 0;
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

void read_all(int descriptor, std::string& text) {
  std::array<char, 4096> buffer;
  while (true) {
    ssize_t got = read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    text.append(buffer.data(), static_cast<size_t>(got));
  }
}

}  // namespace

int run(const std::vector<std::string>& words, std::string* errors) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::array<int, 2> ends{-1, -1};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (errors != nullptr) {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      *errors = std::string("cannot make a pipe: ") + std::strerror(errno) + "\n";
      posix_spawn_file_actions_destroy(&actions);
      return 127;
    }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  }
  pid_t pid = 0;
  int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (ends[1] >= 0) close(ends[1]);
  int code = 127;
  if (failed == 0) {
    child = pid;
    if (interrupted()) kill(pid, SIGTERM);
    if (errors != nullptr) read_all(ends[0], *errors);
    code = wait_for(pid);
  } else {
    std::string message = words[0] + ": " + std::strerror(failed) + "; install clang-19, lld-19 and llvm-19\n";
    if (errors != nullptr) {
      *errors += message;
    } else {
      std::fprintf(stderr, "vbpf-clang++: error: %s", message.c_str());
    }
  }
  if (ends[0] >= 0) close(ends[0]);
  return code;
}

void print_command(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    bool plain = !word.empty() && word.find_first_not_of(
                                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                      "_-+=./,:@%") == std::string::npos;
    line += ' ';
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  std::fprintf(stderr, "%s\n", line.c_str());
}

TemporaryFolder::TemporaryFolder() {
  const char* parent = std::getenv("TMPDIR");
  std::string pattern = std::string(parent != nullptr && *parent != 0 ? parent : "/tmp") + "/vbpf-clang-XXXXXX";
  if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::file(const std::string& name) {
  std::string safe = std::filesystem::path(name).filename().string();
  return path_ + "/" + std::to_string(count_++) + "-" + safe;
}

bool interrupted() { return pending_signal != 0; }

void die_of_signal() {
  int number = pending_signal;
  std::signal(number, SIG_DFL);
  raise(number);
  _exit(128 + number);
}

void install_signal_handlers() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before{};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
}

}  // namespace vbpf::driver
