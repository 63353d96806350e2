// SPDX-License-Identifier: Apache-2.0
// Running the tools, and the temporary folder they work in. Both are ended cleanly by SIGINT, SIGTERM and SIGHUP.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace vbpf::driver {

// A tool that runs beside this process.
class Process {
 public:
  Process() = default;  // ended at once, with code 0
  // Starts words[0] (found by PATH unless it has a slash). With `collect`, its standard error is kept for wait()
  // instead of shown.
  Process(const std::vector<std::string>& words, bool collect);
  ~Process();  // ends the tool if nobody waited for it
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  // Its exit code, 128 + n if a signal ended it, 127 if it could not be started.
  int wait(std::string* errors = nullptr);

 private:
  pid_t pid_ = 0;  // 0: none, or waited for
  int code_ = 0, errors_ = -1;
  std::string failure_;  // why it was not started
};

// Starts a tool and waits for it. With `errors`, its standard error is collected there.
int run(const std::vector<std::string>& words, std::string* errors = nullptr);

// Makes the file the standard input of tools started from now on, to be read from its beginning. False: errno says why.
bool read_from(const std::string& file);

// For -v and -###: the command as a line that a shell would read back.
void print_command(const std::vector<std::string>& words);

// A folder of the process's own, removed with all in it when this ends or a signal ends the process.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }  // empty if it could not be made: errno says why
  // A new file name in it that ends in `name` (slashes replaced), unique in this process.
  std::string file(const std::string& name);

 private:
  std::string path_;
  unsigned count_ = 0;
};

// True once a signal asked to end; the caller cleans up and calls die_of_signal().
bool interrupted();
[[noreturn]] void die_of_signal();
void install_signal_handlers();

}  // namespace vbpf::driver
