// SPDX-License-Identifier: Apache-2.0
// A device that others have put XDP programs on: libxdp's dispatcher calls them one after the other.
//
// What joins is pinned in bpffs by libxdp, and stays when its process is killed. So a record is written before, and
// whoever finds the process dead gives it to leave_recorded_chain().
#pragma once

#include <cstdint>
#include <string>

#include "device.h"
#include "file.h"
#include "vbpf/result.h"

struct bpf_object;
struct datapath;
struct xdp_program;

namespace vbpf::xdp {

// Whether the device has a dispatcher, which can be joined. One in generic mode cannot: packets that are given back to
// the kernel would meet the programs before ours again.
bool has_dispatcher(const Device& device);

// Our program in a device's chain, the last of it: it gets what all others pass.
class ChainMember {
 public:
  // `programs` is loaded: the member works on its maps. `record`: a file to write, or nothing.
  static Result<ChainMember> join(const Device& device, const bpf_object& programs, const std::string& record);
  ChainMember(ChainMember&& other) noexcept;
  ChainMember& operator=(ChainMember&&) = delete;
  ~ChainMember();

  uint32_t program_id() const;
  // Whether it is still there: the dispatcher is somebody else's. In the device's network namespace.
  bool is_called() const;

 private:
  ChainMember() = default;
  uint32_t ifindex_ = 0;
  File namespace_;  // the device's
  std::string record_;
  datapath* skeleton_ = nullptr;
  xdp_program* program_ = nullptr;
};

// Takes out of the chain what a process that has died left there. Nothing to do is no error; an error means that it is
// still there, and can be tried again: in this network namespace only if the record was made in it.
Result<void> leave_recorded_chain(const std::string& record);

}  // namespace vbpf::xdp
