// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "output.h"
#include "service/loaded.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

struct Arguments {
  std::vector<std::string> names;
  bool all = false;
};

Result<int> unload(const Arguments& arguments) {
  std::vector<std::string> names = arguments.names;
  if (arguments.all) {
    VBPF_TRY(names, all_loaded_names());
  }
  int status = exit_ok;
  Json unloaded = Json::array();
  for (const std::string& name : names) {
    const Result<Json> last = ask_loaded(name, {{"verb", "unload"}});
    if (!last) {
      status = std::max(status, report(last.error()));
      continue;
    }
    unloaded.push_back(*last);
    if (!json_wanted()) fmt::print("{} is unloaded\n", name);
  }
  if (json_wanted() && (status == exit_ok || !unloaded.empty())) print_json(unloaded);
  return status;
}

}  // namespace

Action add_unload(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  auto* names = command.add_option("NAME", arguments->names, "what `vbpf list` shows");
  command.add_flag("--all", arguments->all, "all that are loaded")->excludes(names);
  add_json(command);
  return [arguments]() -> Result<int> {
    if (!arguments->all && arguments->names.empty()) throw CLI::RequiredError("NAME or --all");
    return unload(*arguments);
  };
}

}  // namespace vbpf::cli
