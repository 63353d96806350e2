// SPDX-License-Identifier: Apache-2.0
// The eBPF program that calls an extension in the kernel, attached to a device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "device.h"
#include "file.h"
#include "vbpf/result.h"
#include "xdp_hook.h"

namespace vbpf::kernel {

struct Stub {
  File link;
  uint32_t program_id = 0;
  bool native = false;
};

// Attached as long as the link's descriptor is open, or pinned. In native mode unless `generic`; automatic: native
// where the driver can.
Result<Stub> attach_stub(const xdp::Device& device, uint32_t extension, uint32_t entry, xdp::AttachMode mode);

// Where the pinned stub of an extension is.
struct StubPlace {
  uint32_t ifindex = 0, program_id = 0;
};
std::optional<StubPlace> find_stub(const std::string& name);

// Keeps it attached beyond this process: /sys/fs/bpf/vbpf/NAME.
Result<void> pin_stub(const Stub& stub, const std::string& name);
// Detaches. Nothing to do is no error.
void unpin_stub(const std::string& name);

}  // namespace vbpf::kernel
