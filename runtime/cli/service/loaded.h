// SPDX-License-Identifier: Apache-2.0
// What is loaded, in workers and in the kernel.
#pragma once

#include <string>
#include <vector>

#include "../output.h"

namespace vbpf::cli {

// Sorted.
Result<std::vector<std::string>> all_loaded_names();

// What the worker, or the kernel, says of `name` to {"verb": "show" | "stats" | "log" | "unload", ...}. bad_input: no
// such extension is loaded.
Result<Json> ask_loaded(const std::string& name, const Json& request);

}  // namespace vbpf::cli
