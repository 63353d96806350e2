// SPDX-License-Identifier: Apache-2.0
// Whether this machine's kernel has the engine, and can run extensions with it.
#pragma once

#include <linux/vbpf.h>

#include "file.h"
#include "vbpf/result.h"

namespace vbpf::kernel {

// A descriptor of /dev/vbpf and what the kernel says of itself. kind machine: there is no engine, or the CPU lacks what
// it needs; refused: not permitted.
struct Machine {
  File device;
  vbpf_query query{};

  static Result<Machine> open();
};

// What a failed ioctl means, as one line.
Error device_error(const std::string& what, int number);

}  // namespace vbpf::kernel
