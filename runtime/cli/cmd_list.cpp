// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "output.h"
#include "service/loaded.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

Result<int> list() {
  Json all = Json::array();
  VBPF_TRY(const std::vector<std::string> names, all_loaded_names());
  for (const std::string& name : names) {
    const Result<Json> shown = ask_loaded(name, {{"verb", "show"}});
    if (shown) {
      all.push_back(*shown);
    } else if (shown.error().kind == ErrorKind::refused) {
      return shown.error();
    } else {
      // It has just been unloaded, is still being loaded, or hangs: still somebody's.
      all.push_back({{"name", name}, {"state", "not answering"}});
    }
  }
  if (json_wanted()) {
    print_json(all);
    return exit_ok;
  }
  if (all.empty()) return exit_ok;
  fmt::print("{:<20} {:<14} {:<7} {:<5} {:<12} {:<8} {:<11} {:>12} {:>7}\n", "NAME", "STATE", "ENGINE", "HOOK", "PLACE",
             "MODE", "CONFINEMENT", "HANDLED", "FAULTS");
  for (const Json& one : all) {
    const auto text = [&](const char* key) { return one.value(key, std::string("-")); };
    const Json total = one.value("total", Json::object());
    fmt::print("{:<20} {:<14} {:<7} {:<5} {:<12} {:<8} {:<11} {:>12} {:>7}\n", text("name"), text("state"),
               text("engine"), text("hook"), place_text(one), text("mode"), text("confinement"),
               total.value(total.contains("page_faults") ? "page_faults" : "packets", uint64_t{0}),
               total.value("faults", uint64_t{0}));
  }
  return exit_ok;
}

}  // namespace

Action add_list(CLI::App& command) {
  add_json(command);
  return list;
}

}  // namespace vbpf::cli
