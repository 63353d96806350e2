// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "output.h"
#include "service/loaded.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

struct Arguments {
  std::string name;
  bool follow = false;
};

// False when nobody reads any more.
bool print(const Json& lines) {
  for (const Json& line : lines) {
    if (json_wanted()) {
      if (!print_json(line)) return false;
      continue;
    }
    const auto kind = line["kind"].get<std::string>();
    fmt::print("{}  {}{}\n", line["time"].get<std::string>(), kind == "log" ? "" : kind + ": ",
               line["text"].get<std::string>());
  }
  return std::fflush(stdout) == 0;
}

Result<int> log(const Arguments& arguments) {
  Json from = 0;  // then what the answer before said
  bool heard = false;
  for (;;) {
    const Result<Json> answer = ask_loaded(arguments.name, {{"verb", "log"}, {"from", from}});
    if (!answer) {
      if (!heard) return answer.error();
      complain(fmt::format("vbpf: {} is not loaded any more", arguments.name));
      return exit_ok;
    }
    heard = true;
    from = (*answer)["next"];
    if (!print((*answer)["lines"]) || !arguments.follow) return exit_ok;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace

Action add_log(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("NAME", arguments->name, "what `vbpf list` shows")->required();
  command.add_flag("--follow,-f", arguments->follow, "and what comes, until Ctrl-C");
  add_json(command);
  return [arguments] { return log(*arguments); };
}

}  // namespace vbpf::cli
