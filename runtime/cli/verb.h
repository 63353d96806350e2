// SPDX-License-Identifier: Apache-2.0
// The command line is a table of verbs; each verb is a file.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>

#include "vbpf/result.h"

namespace vbpf::cli {

// What a verb does once its arguments are read. Its value is the exit status: 0, or 1 when the answer is "no" and has
// been given. Errors are printed by main().
using Action = std::function<Result<int>()>;

struct Verb {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App& command);  // declares options and positionals
};

std::span<const Verb> verbs();

// Each in cmd_<name>.cpp.
Action add_run(CLI::App& command);
Action add_verify(CLI::App& command);
Action add_doctor(CLI::App& command);
Action add_load(CLI::App& command);
Action add_unload(CLI::App& command);
Action add_list(CLI::App& command);
Action add_show(CLI::App& command);
Action add_stats(CLI::App& command);
Action add_log(CLI::App& command);
Action add_options(CLI::App& command);

}  // namespace vbpf::cli
