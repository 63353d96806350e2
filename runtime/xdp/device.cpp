// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>

#include "file.h"

namespace vbpf::xdp {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

bool get_channels(const std::string& name, ethtool_channels& channels) {
  const File socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(name);
  channels = {};
  channels.cmd = ETHTOOL_GCHANNELS;
  request.ifr_data = reinterpret_cast<char*>(&channels);
  return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0;
}

std::string describe_program(uint32_t id) {
  std::string text = "XDP program " + std::to_string(id);
  const File program(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  if (program && bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0 && info.name[0] != 0) {
    text += std::string(" '") + std::string(info.name, strnlen(info.name, sizeof(info.name))) + "'";
  }
  return text;
}

}  // namespace

uint32_t count_queues(const std::string& name) {
  if (if_nametoindex(name.c_str()) == 0) return 0;
  ethtool_channels channels;
  // Devices without channels, like TUN, have one queue here.
  if (!get_channels(name, channels)) return 1;
  return std::max(1u, channels.rx_count + channels.combined_count);
}

Result<Device> find_device(const std::string& name) {
  Device device;
  device.name = name;
  device.ifindex = name.size() < IFNAMSIZ ? if_nametoindex(name.c_str()) : 0;
  if (device.ifindex == 0) {
    return Error{ErrorKind::bad_input,
                 "there is no network device '" + name + "' in this network namespace: `ip link` lists them"};
  }
  const File socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(name);
  if (::ioctl(socket.get(), SIOCGIFMTU, &request) != 0) return system_error("the MTU of " + name, errno);
  device.mtu = static_cast<uint32_t>(request.ifr_mtu);
  ifreq flags = request_for(name);
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &flags) == 0 && (flags.ifr_flags & IFF_LOOPBACK) != 0) {
    return Error{
        ErrorKind::bad_input,
        name + " is a loopback device, whose packets cannot be given back to the kernel: choose another device"};
  }
  device.queues = count_queues(name);
  device.max_queues = device.queues;
  ethtool_channels channels;
  if (get_channels(name, channels)) {
    device.max_queues =
        std::max({device.queues, channels.max_rx + channels.max_combined, channels.max_rx, channels.max_combined});
  }
  if (device.queues == 0) return Error{ErrorKind::bad_input, "the network device '" + name + "' has just gone"};
  return device;
}

std::optional<uint32_t> attached_program(uint32_t ifindex) {
  bpf_xdp_query_opts query{};
  query.sz = sizeof(query);
  if (bpf_xdp_query(static_cast<int>(ifindex), 0, &query) != 0) return std::nullopt;
  if (query.attach_mode == XDP_ATTACHED_NONE) return 0;
  if (query.prog_id != 0) return query.prog_id;
  return query.drv_prog_id != 0 ? query.drv_prog_id : query.skb_prog_id;
}

Result<void> check_no_program(const Device& device) {
  const uint32_t id = attached_program(device.ifindex).value_or(0);  // if it cannot be told, attaching will say why
  if (id == 0) return {};
  return Error{
      ErrorKind::bad_input,
      device.name + " has " + describe_program(id) +
          " already, and only with a program in a libxdp dispatcher in native mode could vBPF share it: remove "
          "it (`ip link set dev " +
          device.name +
          " xdp off`, or end the program that holds its link), load it with xdp-loader where "
          "the kernel allows freplace, or choose another device"};
}

}  // namespace vbpf::xdp
