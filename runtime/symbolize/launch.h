// SPDX-License-Identifier: Apache-2.0
// Starts a program on three files, hidden from the process that asks.
#pragma once

#include <utility>

namespace vbpf::symbolize {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// Where the program finds its files.
constexpr int request_fd = 0, reply_fd = 1, object_fd = 3;

struct Files {
  int request, reply, object;  // each 4 or above
};

// Runs `program argument` with these files as the only ones it has, an empty environment and all signals blocked, and
// waits for it, `milliseconds` at most; then it is killed. True if it exited with 0.
bool run_program(const char* program, const char* argument, Files files, int milliseconds);

}  // namespace vbpf::symbolize
