// SPDX-License-Identifier: Apache-2.0
// The userfaultfd hook in the thread that faults: with UFFD_FEATURE_SIGBUS a fault is a signal, and the extension is
// asked in its handler. No other thread takes part. Missing pages only: a signal does not say why it came.
#pragma once

#include <functional>
#include <memory>

#include "pager.h"

namespace vbpf::uffd {

// `target`: of this process, with UFFD_FEATURE_SIGBUS. options.threads: so many ask at the same time, others wait.
// What the extension passes is a signal for the handler that the program had before.
Result<std::unique_ptr<Pager>> attach_to_faulting_threads(const Extension& extension, Target target,
                                                          const Options& options,
                                                          std::function<void(const Event&)> on_event);

}  // namespace vbpf::uffd
