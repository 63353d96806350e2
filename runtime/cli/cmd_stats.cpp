// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>

#include "output.h"
#include "service/loaded.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

struct Arguments {
  std::string name, interval = "1s";
  bool watch = false, queues = false;
};

using Clock = std::chrono::steady_clock;

uint64_t count_of(const Json& queue, const char* key) { return queue[key].get<uint64_t>(); }

// Per second, since the table before; nothing when there was none.
std::string rate(uint64_t now, uint64_t before, double seconds) {
  if (seconds <= 0 || now < before) return "";
  return fmt::format("{:.0f}", static_cast<double>(now - before) / seconds);
}

int print_rows(const Json& now, const Json& before, double seconds) {
  int lines = 0;
  const auto row = [&](const std::string& what, uint64_t value, uint64_t was) {
    fmt::print("  {:<14}{:>16}{:>14}\n", what, value, rate(value, was, seconds));
    ++lines;
  };
  const Json& reference = before.is_null() ? now : before;
  if (now.contains("page_faults")) {
    for (const auto& [key, value] : now.items()) row(key, value.get<uint64_t>(), count_of(reference, key.c_str()));
    return lines;
  }
  row("packets", count_of(now, "packets"), count_of(reference, "packets"));
  for (const auto& [verdict, value] : now["verdicts"].items())
    row(verdict, value.get<uint64_t>(), reference["verdicts"][verdict].get<uint64_t>());
  for (const char* key : {"faults", "restarts", "dropped", "busy"}) {
    if (now.contains(key)) row(key, count_of(now, key), count_of(reference, key));
  }
  row("bytes", count_of(now, "bytes"), count_of(reference, "bytes"));
  if (!now.contains("batches")) return lines;  // in the kernel each packet is a crossing
  const uint64_t packets = count_of(now, "packets"), batches = count_of(now, "batches");
  fmt::print("  passed alone {}, in batches {}; {:.1f} packets per gate crossing\n", count_of(now, "pass_single"),
             count_of(now, "pass_batch"),
             batches == 0 ? 0.0 : static_cast<double>(packets) / static_cast<double>(batches));
  return lines + 1;
}

int print(const Json& now, const Json& before, double seconds, bool queues) {
  fmt::print("{} on {}: {}\n  {:<14}{:>16}{:>14}\n", now["name"].get<std::string>(), place_text(now),
             now["state"].get<std::string>(), "", "total", seconds > 0 ? "per second" : "");
  int lines = 2 + print_rows(now["total"], before.is_null() ? Json() : before["total"], seconds);
  const char* const part = now.contains("threads") ? "thread" : "queue";
  const std::string parts = std::string(part) + "s";
  for (size_t i = 0; queues && i < now[parts].size(); ++i) {
    fmt::print("{} {}\n", part, i);
    const bool known = !before.is_null() && i < before[parts].size();
    lines += 1 + print_rows(now[parts][i], known ? before[parts][i] : Json(), seconds);
  }
  return lines;
}

// Sleeps; false when Ctrl-C or SIGTERM came meanwhile.
bool wait_for(std::chrono::nanoseconds time) {
  sigset_t end;
  sigemptyset(&end);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&end, number);
  const timespec limit{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
  return ::sigtimedwait(&end, nullptr, &limit) < 0;
}

Result<int> watch(const Arguments& arguments) {
  sigset_t end;
  sigemptyset(&end);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&end, number);
  ::sigprocmask(SIG_BLOCK, &end, nullptr);
  const auto interval = parse_duration(arguments.interval);
  if (interval < std::chrono::milliseconds(10))
    throw CLI::ValidationError(arguments.interval, "is too short: 10ms at least");
  const bool redraw = !json_wanted() && ::isatty(STDOUT_FILENO) == 1;
  Json before;
  Clock::time_point before_at;
  int lines = 0;
  do {
    const Result<Json> now = ask_loaded(arguments.name, {{"verb", "stats"}});
    const auto at = Clock::now();
    if (!now) {
      if (before.is_null()) return now.error();
      complain(fmt::format("vbpf: {} is not loaded any more", arguments.name));
      return exit_ok;
    }
    if (json_wanted()) {
      if (!print_json(*now)) return exit_ok;
    } else {
      if (redraw && lines != 0) fmt::print("\x1b[{}A\x1b[J", lines);
      const double seconds = before.is_null() ? 0 : std::chrono::duration<double>(at - before_at).count();
      lines = print(*now, before, seconds, arguments.queues);
      if (std::fflush(stdout) != 0) return exit_ok;
    }
    before = *now;
    before_at = at;
  } while (wait_for(interval));
  return exit_ok;
}

Result<int> stats(const Arguments& arguments) {
  if (arguments.watch) return watch(arguments);
  VBPF_TRY(const Json now, ask_loaded(arguments.name, {{"verb", "stats"}}));
  if (json_wanted()) {
    print_json(now);
  } else {
    print(now, Json(), 0, arguments.queues);
  }
  return exit_ok;
}

}  // namespace

Action add_stats(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("NAME", arguments->name, "what `vbpf list` shows")->required();
  auto* watch_flag = command.add_flag("--watch", arguments->watch, "again and again, with rates, until Ctrl-C");
  command.add_option("--interval", arguments->interval, "time between two tables of --watch (1s)")->needs(watch_flag);
  command.add_flag("--queues", arguments->queues, "also for each queue, or thread");
  add_json(command);
  return [arguments] { return stats(*arguments); };
}

}  // namespace vbpf::cli
