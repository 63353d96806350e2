// SPDX-License-Identifier: Apache-2.0
// The process an extension runs in.
#pragma once

#include <string>

#include "state_folder.h"
#include "vbpf/extension.h"
#include "xdp_hook.h"

namespace vbpf::cli {

struct LoadRequest {
  std::string file;  // absolute
  LoadOptions load;
  xdp::Options xdp;
};

// Opens, attaches, writes the outcome ({"ok": …} or {"error": …}) to `outcome`; once a byte has come from there, serves
// requests until it is told to unload or gets SIGTERM. Returns the exit status of the process.
int run_worker(const LoadRequest& request, const StateFolder& folder, xdp::File outcome);

}  // namespace vbpf::cli
