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
#include <utility>

extern char** environ;

namespace vbpf::driver {
namespace {

std::atomic<int> pending_signal{0};
// The tools that are running; 0 is a free place. Two at a time are all that the driver starts.
std::array<std::atomic<pid_t>, 4> children{};

// Tools that are running are told to end as well: a signal from `kill` reaches only this process.
void on_signal(int number) {
  pending_signal = number;
  for (const std::atomic<pid_t>& child : children) {
    if (pid_t running = child; running > 0) kill(running, SIGTERM);
  }
}

void replace_child(pid_t before, pid_t after) {
  for (std::atomic<pid_t>& child : children) {
    if (child != before) continue;
    child = after;
    return;
  }
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  replace_child(pid, 0);
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

Process::Process(const std::vector<std::string>& words, bool collect) : code_(127) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::array<int, 2> ends{-1, -1};
  if (collect && pipe2(ends.data(), O_CLOEXEC) != 0) {
    failure_ = std::string("cannot make a pipe: ") + std::strerror(errno) + "\n";
    return;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (collect) posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  int failed = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (ends[1] >= 0) close(ends[1]);
  errors_ = ends[0];
  if (failed != 0) {
    pid_ = 0;
    failure_ = words[0] + ": " + std::strerror(failed) + "; install clang-19, lld-19 and llvm-19\n";
    return;
  }
  replace_child(0, pid_);
  if (interrupted()) kill(pid_, SIGTERM);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      code_(other.code_),
      errors_(std::exchange(other.errors_, -1)),
      failure_(std::move(other.failure_)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(code_, other.code_);
  std::swap(errors_, other.errors_);
  std::swap(failure_, other.failure_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    wait_for(pid_);
  }
  if (errors_ >= 0) close(errors_);
}

int Process::wait(std::string* errors) {
  if (!failure_.empty()) {
    if (errors != nullptr) {
      *errors += failure_;
    } else {
      std::fprintf(stderr, "vbpf-clang++: error: %s", failure_.c_str());
    }
    failure_.clear();
  }
  std::string unwanted;
  if (errors_ >= 0) read_all(errors_, errors != nullptr ? *errors : unwanted);
  if (pid_ > 0) code_ = wait_for(pid_);
  pid_ = 0;
  return code_;
}

int run(const std::vector<std::string>& words, std::string* errors) {
  return Process(words, errors != nullptr).wait(errors);
}

bool read_from(const std::string& file) {
  int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  bool done = dup2(descriptor, STDIN_FILENO) == STDIN_FILENO;
  close(descriptor);
  return done;
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
