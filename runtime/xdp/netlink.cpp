// SPDX-License-Identifier: Apache-2.0
#include "netlink.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <vector>

namespace vbpf::xdp {
namespace {

// A message under construction: attributes are appended, nested ones closed with end().
class Message {
 public:
  template <typename Header>
  Message(uint16_t type, uint16_t flags, const Header& header) {
    nlmsghdr message{};
    message.nlmsg_type = type;
    message.nlmsg_flags = flags;
    append(&message, sizeof(message));
    append(&header, sizeof(header));
  }
  size_t begin(uint16_t type) {
    const size_t at = bytes_.size();
    attribute(type, nullptr, 0);
    return at;
  }
  void end(size_t at) {
    const auto length = static_cast<uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at, &length, sizeof(length));
  }
  void attribute(uint16_t type, const void* data, size_t size) {
    rtattr header{};
    header.rta_type = type;
    header.rta_len = static_cast<uint16_t>(sizeof(header) + size);
    append(&header, sizeof(header));
    append(data, size);
  }
  void attribute(uint16_t type, const std::string& text) { attribute(type, text.c_str(), text.size() + 1); }
  void append(const void* data, size_t size) {
    if (size != 0) {
      const auto* from = static_cast<const char*>(data);
      bytes_.insert(bytes_.end(), from, from + size);
    }
    bytes_.resize((bytes_.size() + 3) & ~size_t{3});
  }
  const std::vector<char>& finish() {
    const auto length = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof(length));
    return bytes_;
  }

 private:
  std::vector<char> bytes_;
};

// Sends a request and returns the kernel's answer, 0 or an errno.
int ask(const std::vector<char>& message) {
  const File socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return errno;
  if (::send(socket.get(), message.data(), message.size(), 0) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 4096> answer{};
  const ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), 0);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr))) return size < 0 ? errno : EPROTO;
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
  if (header->nlmsg_type != NLMSG_ERROR) return EPROTO;
  return -reinterpret_cast<const nlmsgerr*>(header + 1)->error;
}

LinkChange read_link(const nlmsghdr* header) {
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(header));
  LinkChange change;
  change.ifindex = static_cast<uint32_t>(link->ifi_index);
  change.gone = header->nlmsg_type == RTM_DELLINK;
  int size = static_cast<int>(IFLA_PAYLOAD(header));
  for (const rtattr* attribute = IFLA_RTA(link); RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size)) {
    const auto type = attribute->rta_type & NLA_TYPE_MASK;
    if (type == IFLA_MTU) std::memcpy(&change.mtu, RTA_DATA(attribute), sizeof(change.mtu));
    if (type == IFLA_IFNAME) change.name = static_cast<const char*>(RTA_DATA(attribute));
  }
  return change;
}

}  // namespace

Result<void> make_veth(const std::string& name, const std::string& peer) {
  const ifinfomsg link{};
  Message message(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, link);
  message.attribute(IFLA_IFNAME, name);
  const size_t info = message.begin(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, "veth");
  const size_t data = message.begin(IFLA_INFO_DATA);
  const size_t other = message.begin(VETH_INFO_PEER);
  message.append(&link, sizeof(link));
  message.attribute(IFLA_IFNAME, peer);
  message.end(other);
  message.end(data);
  message.end(info);
  if (const int error = ask(message.finish()); error != 0) return system_error("a veth pair could not be made", error);
  return {};
}

Result<LinkMonitor> LinkMonitor::open() {
  LinkMonitor monitor;
  monitor.socket_ = File(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  if (!monitor.socket_ || ::bind(monitor.socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return system_error("changes of devices cannot be watched", errno);
  }
  return monitor;
}

bool LinkMonitor::read(const std::function<void(const LinkChange&)>& tell) {
  alignas(nlmsghdr) std::array<char, 16384> buffer;
  while (true) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return errno != ENOBUFS;
    auto size = static_cast<unsigned>(got);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, size);
         header = NLMSG_NEXT(header, size)) {
      if (header->nlmsg_type == RTM_NEWLINK || header->nlmsg_type == RTM_DELLINK) tell(read_link(header));
    }
  }
}

}  // namespace vbpf::xdp
