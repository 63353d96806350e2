// SPDX-License-Identifier: Apache-2.0
// What happened to one extension: its log lines, events, last faults. Bounded in lines and bytes, and in lines a
// second.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>

#include "../output.h"
#include "hook.h"

namespace vbpf::cli {

// Thread safe.
class Journal {
 public:
  // `part`: what an event's number counts, "queue" or "thread".
  explicit Journal(std::string part) : part_(std::move(part)) {}

  static constexpr size_t most_lines = 1000, most_bytes = 256 << 10, most_faults = 16;
  static constexpr uint64_t lines_per_second = 100;

  void log(std::string_view line) { add(said_, "log", std::string(line)); }
  void event(const Event& event);

  // Lines with a number of at least `from`: {"lines": [{number, time, kind, text}], "next": number, "suppressed": how
  // many in this second}.
  Json lines(uint64_t from);
  Json faults(bool registers) const;

 private:
  using Time = std::chrono::system_clock::time_point;
  struct Line {
    uint64_t number;
    Time time;
    const char* kind;  // "log", "fault", "restart", "aborted", "detached", "suppressed"
    std::string text;
  };
  struct Limit {  // on lines a second
    std::chrono::steady_clock::time_point second{};
    uint64_t lines = 0, suppressed = 0;
  };
  void add(Limit& limit, const char* kind, std::string text);
  void begin_second(Limit& limit);
  void append(const char* kind, std::string text, Time time);

  const std::string part_;
  mutable std::mutex mutex_;
  std::deque<Line> lines_;
  std::deque<Event> faults_;
  size_t bytes_ = 0;
  uint64_t next_ = 0;
  Limit said_, happened_;  // what the extension says does not crowd out what happens to it
};

// "2026-11-26T15:04:05.123Z"
std::string time_text(std::chrono::system_clock::time_point time);

}  // namespace vbpf::cli
