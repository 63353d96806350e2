// SPDX-License-Identifier: Apache-2.0
// The little rtnetlink that is needed: make a veth pair, hear about changes of devices.
#pragma once

#include <functional>
#include <string>

#include "file.h"

namespace vbpf::xdp {

// Makes a veth pair in the calling thread's network namespace.
Result<void> make_veth(const std::string& name, const std::string& peer);

// A change of a device, as told by the kernel.
struct LinkChange {
  uint32_t ifindex = 0;
  bool gone = false;
  uint32_t mtu = 0;  // 0: not told
  std::string name;  // empty: not told
};

class LinkMonitor {
 public:
  static Result<LinkMonitor> open();
  int descriptor() const { return socket_.get(); }
  // Takes what has arrived. Returns false when the kernel had to leave messages out: ask for the state anew.
  bool read(const std::function<void(const LinkChange&)>& tell);

 private:
  File socket_;
};

}  // namespace vbpf::xdp
