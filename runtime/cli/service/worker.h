// SPDX-License-Identifier: Apache-2.0
// The process an extension runs in.
#pragma once

#include <memory>
#include <string>

#include "pager.h"
#include "state_folder.h"
#include "vbpf/extension.h"
#include "xdp_hook.h"

namespace vbpf::cli {

struct LoadRequest {
  std::string file;  // absolute
  LoadOptions load;
  xdp::Options xdp;
  // Hook uffd, else null. Whoever loads takes the descriptor, so that the keeper has it too when the worker dies.
  std::shared_ptr<const uffd::Target> target;
  uffd::Options uffd;

  OnFault on_fault() const { return target ? uffd.on_fault : xdp.on_fault; }
  uint32_t max_restarts() const { return target ? uffd.max_restarts : xdp.max_restarts; }
};

// Opens, attaches, writes the outcome ({"ok": …} or {"error": …}) to `outcome`; once a byte has come from there, serves
// requests until it is told to unload or gets SIGTERM. Returns the exit status of the process.
int run_worker(const LoadRequest& request, const StateFolder& folder, File outcome);

}  // namespace vbpf::cli
