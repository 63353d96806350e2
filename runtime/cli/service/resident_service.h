// SPDX-License-Identifier: Apache-2.0
// Extensions in the kernel, for the verbs that load, show and unload them: they need no worker. What the kernel does
// not keep, the object with its symbols and what it was attached to, is in RUN-FOLDER/.kernel/.
#pragma once

#include "../output.h"
#include "resident.h"
#include "worker.h"

namespace vbpf::cli {

struct ResidentRequest {
  std::string file;  // absolute
  kernel::ResidentOptions load;
  // "xdp": attached to a device; "uffd": to a userfaultfd; "plugin": eBPF programs call its entries with vbpf_call()
  std::string hook;
  std::string entry;
  xdp::Options xdp;                            // device, attach
  std::shared_ptr<const uffd::Target> target;  // of uffd
  uint32_t prefetch = 0;
};

// Loads, attaches, and keeps it. What `show` would give; on error nothing is left.
Result<Json> load_resident(const ResidentRequest& request);

// What a worker of that name would answer: verbs show, stats, log, unload. Nothing when the kernel has no such
// extension.
Result<std::optional<Json>> ask_resident(const std::string& name, const Json& request);

}  // namespace vbpf::cli
