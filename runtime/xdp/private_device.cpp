// SPDX-License-Identifier: Apache-2.0
#include "private_device.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>

#include <thread>

#include "netlink.h"

namespace vbpf::xdp {
namespace {

// On a thread of its own, whose network namespace is the new one.
Result<void> make(int program, File& space, File& link) {
  if (::unshare(CLONE_NEWNET) != 0) return system_error("a network namespace could not be made", errno);
  space = File(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!space) return system_error("/proc/thread-self/ns/net", errno);
  VBPF_CHECK(make_veth("vbpf0", "vbpf1"));
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = XDP_FLAGS_DRV_MODE;
  link = File(bpf_link_create(program, static_cast<int>(if_nametoindex("vbpf0")), BPF_XDP, &options));
  if (!link) return system_error("the injecting program could not be attached to its own veth", errno);
  return {};
}

}  // namespace

Result<PrivateDevice> PrivateDevice::attach(int program) {
  PrivateDevice device;
  Result<void> made;
  std::thread([&] { made = make(program, device.namespace_, device.link_); }).join();
  VBPF_CHECK(made);
  return device;
}

}  // namespace vbpf::xdp
