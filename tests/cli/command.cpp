// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>

namespace vbpf::cli_test {

Json Answer::json() const {
  const Json document = Json::parse(out, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << "not JSON: " << out << err;
  return document;
}

testing::AssertionResult Answer::says(const std::vector<std::string>& parts) const {
  if (std::count(err.begin(), err.end(), '\n') != 1) return testing::AssertionFailure() << "not one line: " << err;
  for (const std::string& part : parts) {
    if (err.find(part) == std::string::npos)
      return testing::AssertionFailure() << "'" << part << "' is not in: " << err;
  }
  return testing::AssertionSuccess();
}

Answer run(const std::vector<std::string>& command) {
  int out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(out[1]);
  ::close(err[1]);
  Answer answer;
  std::array<pollfd, 2> ends{{{out[0], POLLIN, 0}, {err[0], POLLIN, 0}}};
  std::array<std::string*, 2> texts{&answer.out, &answer.err};
  for (int open = 2; open > 0;) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
    for (size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      std::array<char, 65536> part;
      const ssize_t got = ::read(ends[i].fd, part.data(), part.size());
      if (got > 0) {
        texts[i]->append(part.data(), static_cast<size_t>(got));
        continue;
      }
      ::close(ends[i].fd);
      ends[i].fd = -1;
      --open;
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return answer;
}

Answer vbpf(std::vector<std::string> arguments, const std::string& space) {
  std::vector<std::string> command;
  if (!space.empty()) command = {"ip", "netns", "exec", space};
  command.emplace_back(VBPF_PROGRAM);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command);
}

std::string extension(const std::string& name) { return std::string(CLI_EXTENSIONS) + "/" + name + ".o"; }

Folder::Folder()
    : path([] {
        std::string name = (std::filesystem::temp_directory_path() / "vbpf-cli-test.XXXXXX").string();
        return std::filesystem::path(::mkdtemp(name.data()));
      }()) {}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string Folder::file(const std::string& name, const std::string& content) const {
  std::ofstream(path / name, std::ios::binary) << content;
  return (path / name).string();
}

}  // namespace vbpf::cli_test
