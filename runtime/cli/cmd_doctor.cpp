// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "output.h"
#include "probes.h"
#include "vbpf/extension.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

Result<int> doctor() {
  const std::vector<Probe> probes = probe_machine();
  const Result<std::string> engine = check_confinement(std::nullopt);
  const bool confined = check_confinement(Confinement::pku) || check_confinement(Confinement::sfi);
  bool xdp = true;
  for (const Probe& probe : probes) {
    if (probe.name == "bpf" || probe.name == "af_xdp" || probe.name == "memlock" || probe.name == "xdp_generic")
      xdp &= probe.ok;
  }
  if (json_wanted()) {
    Json all = Json::object();
    for (const Probe& probe : probes)
      all[probe.name] = {{"ok", probe.ok}, {"found", probe.found}, {"advice", probe.advice}};
    print_json({{"extensions", confined}, {"xdp", confined && xdp}, {"probes", all}});
    return confined ? exit_ok : exit_machine;
  }
  for (const Probe& probe : probes) {
    fmt::print("{:<12} {:<4} {}\n", probe.name, probe.ok ? "yes" : "no", probe.found);
    if (!probe.ok) fmt::print("{:<12} {:<4} -> {}\n", "", "", probe.advice);
  }
  if (!confined) {
    fmt::print("\nExtensions cannot run here: {}\n", engine ? "no confinement" : engine.error().message);
    return exit_machine;
  }
  fmt::print("\nExtensions run here: {}.\n", *engine);
  fmt::print("{}\n", xdp ? "`vbpf load --hook xdp` works here."
                         : "`vbpf load --hook xdp` does not work here: see what says no above. `vbpf run` does.");
  return exit_ok;
}

}  // namespace

Action add_doctor(CLI::App& command) {
  add_json(command);
  return doctor;
}

}  // namespace vbpf::cli
