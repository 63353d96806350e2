// SPDX-License-Identifier: Apache-2.0
// Starts a worker and its keeper.
#pragma once

#include "../output.h"
#include "worker.h"

namespace vbpf::cli {

// Two processes: the worker, in which the extension runs, and the keeper, which waits for it and deletes its state
// folder, however it ends. If the keeper dies the worker gets SIGTERM and does that itself. Call without threads.
// Returns what `show` would, once the extension is attached.
Result<Json> launch(const std::string& name, const LoadRequest& request);

}  // namespace vbpf::cli
