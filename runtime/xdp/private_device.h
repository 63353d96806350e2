// SPDX-License-Identifier: Apache-2.0
// A veth in a network namespace that only this process holds, to attach the injecting program to.
//
// The kernel calls XDP programs through a dispatcher that it patches when a program becomes attached, which takes
// milliseconds; a program that is attached nowhere would be patched in and out at every BPF_PROG_RUN. The namespace has
// no name: it goes with the last descriptor, so also when the process is killed.
#pragma once

#include "file.h"

namespace vbpf::xdp {

class PrivateDevice {
 public:
  static Result<PrivateDevice> attach(int program);

 private:
  File namespace_, link_;
};

}  // namespace vbpf::xdp
