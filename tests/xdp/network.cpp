// SPDX-License-Identifier: Apache-2.0
#include "network.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace vbpf::xdp_test {

void run(const std::string& command) { ASSERT_EQ(0, std::system(command.c_str())) << command; }

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> part;
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe) != nullptr) text += part.data();
  if (pipe != nullptr) ::pclose(pipe);
  return text;
}

InNamespace::InNamespace(const std::string& name) : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  const int space = ::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(0, ::setns(space, CLONE_NEWNET)) << name << ": " << std::strerror(errno);
  ::close(space);
}

InNamespace::~InNamespace() {
  EXPECT_EQ(0, ::setns(before_, CLONE_NEWNET));
  ::close(before_);
}

Network::Network(const std::string& veth_options, int mtu)
    : near("vbpf-xdp-near-" + std::to_string(::getpid())), far("vbpf-xdp-far-" + std::to_string(::getpid())) {
  const std::string size = " mtu " + std::to_string(mtu);
  run("ip netns add " + near + " && ip netns add " + far);
  run("ip -n " + near + " link add near" + size + " " + veth_options + " type veth peer name far" + size + " " +
      veth_options + " netns " + far);
  for (const auto& [space, device, address] :
       {std::tuple(near, "near", "192.0.2.1"), std::tuple(far, "far", "192.0.2.2")}) {
    // No traffic but the tests' own.
    run("ip netns exec " + space + " sysctl -qw net.ipv6.conf.all.disable_ipv6=1");
    run("ip netns exec " + space + " ethtool -K " + device + " tx off > /dev/null");
    run("ip -n " + space + " address add " + address + "/24 dev " + device);
    run("ip -n " + space + " link set " + device + " up");
    run("ip -n " + space + " link set lo up");
  }
}

Network::~Network() {
  for (const auto& space : {near, far}) {
    if (std::system(("ip netns delete " + space).c_str()) != 0) ADD_FAILURE() << space << " was not deleted";
  }
}

Tap::Tap(const std::string& space, const std::string& device, uint16_t protocol) : socket_(-1) {
  const InNamespace in(space);
  socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = static_cast<int>(if_nametoindex(device.c_str()));
  const int on = 1, size = 64 << 20;
  ::setsockopt(socket_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
  ::setsockopt(socket_, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
  EXPECT_EQ(0, ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address))) << device;
}

Tap::~Tap() { ::close(socket_); }

void Tap::send(const Bytes& packet) const {
  ASSERT_EQ(static_cast<ssize_t>(packet.size()), ::send(socket_, packet.data(), packet.size(), 0))
      << std::strerror(errno);
}

void Tap::send(const std::vector<Bytes>& packets) const {
  for (const Bytes& packet : packets) send(packet);
}

Bytes Tap::receive(int timeout_ms) const {
  pollfd wait{socket_, POLLIN, 0};
  if (::poll(&wait, 1, timeout_ms) != 1) return {};
  Bytes packet(65536);
  iovec bytes{packet.data(), packet.size()};
  alignas(cmsghdr) std::array<char, 256> control;
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(socket_, &message, 0);
  packet.resize(size < 0 ? 0 : static_cast<size_t>(size));
  for (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(part))) {
    if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata data{};
    std::memcpy(&data, CMSG_DATA(part), sizeof(data));
    // The kernel takes the outer VLAN tag out of the bytes: put it back.
    if ((data.tp_status & TP_STATUS_VLAN_VALID) == 0 || packet.size() < 12) continue;
    const uint16_t type = (data.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? data.tp_vlan_tpid : 0x8100;
    const Bytes tag = {static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type),
                       static_cast<uint8_t>(data.tp_vlan_tci >> 8), static_cast<uint8_t>(data.tp_vlan_tci)};
    packet.insert(packet.begin() + 12, tag.begin(), tag.end());
  }
  return packet;
}

std::vector<Bytes> Tap::receive_all(size_t count, int timeout_ms) const {
  std::vector<Bytes> packets;
  while (packets.size() < count) {
    packets.push_back(receive(timeout_ms));
    if (packets.back().empty()) {
      packets.pop_back();
      break;
    }
  }
  return packets;
}

Bytes order(char verb, uint32_t argument, uint32_t serial, size_t size) {
  // To everybody: a packet socket takes it, and so does the stack.
  Bytes packet = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 1, 0x88, 0xb5, static_cast<uint8_t>(verb), 0};
  packet.resize(size);
  std::memcpy(packet.data() + 16, &argument, sizeof(argument));
  std::memcpy(packet.data() + 20, &serial, sizeof(serial));
  uint32_t state = serial * 2654435761u + static_cast<uint32_t>(size);
  for (size_t at = 24; at < size; ++at) {
    state = state * 1664525u + 1013904223u;
    packet[at] = static_cast<uint8_t>(state >> 24);
  }
  return packet;
}

}  // namespace vbpf::xdp_test
