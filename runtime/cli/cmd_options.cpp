// SPDX-License-Identifier: Apache-2.0
// What `vbpf` understands, as JSON: the one source that completion and the tests of the manual page read.
#include "output.h"
#include "verb.h"

namespace vbpf::cli {

Action add_options(CLI::App& command) {
  CLI::App* app = command.get_parent();
  return [app]() -> Result<int> {
    Json all = Json::array();
    for (const CLI::App* verb : app->get_subcommands(nullptr)) {
      if (verb->get_group().empty()) continue;
      Json options = Json::array();
      for (const CLI::Option* option : verb->get_options()) {
        if (option->get_positional()) continue;
        options.push_back({{"name", "--" + option->get_lnames().front()},
                           {"argument", option->get_items_expected_max() > 0},
                           {"description", option->get_description()}});
      }
      all.push_back({{"name", verb->get_name()}, {"description", verb->get_description()}, {"options", options}});
    }
    print_json({{"verbs", all}});
    return exit_ok;
  };
}

}  // namespace vbpf::cli
