// SPDX-License-Identifier: Apache-2.0
#include "sender.h"

#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace vbpf::xdp {
namespace {

sockaddr_ll address_of(uint32_t ifindex) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(ifindex);
  return address;
}

// Protocol 0: it receives nothing.
File packet_socket() { return File(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); }

bool send_all(int socket, std::span<const std::byte> packet, const sockaddr* to, socklen_t size) {
  ssize_t sent = 0;
  do {
    sent = ::sendto(socket, packet.data(), packet.size(), MSG_DONTWAIT, to, size);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(packet.size());
}

}  // namespace

Result<Sender> Sender::open(uint32_t ifindex, uint32_t mark) {
  Sender sender;
  const int on = 1;
  sender.redirect_ = packet_socket();
  if (!sender.redirect_) return system_error("a packet socket could not be made", errno);
  ::setsockopt(sender.redirect_.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
  if (mark == 0) return sender;
  sender.pass_ = packet_socket();
  const sockaddr_ll address = address_of(ifindex);
  if (!sender.pass_ || ::setsockopt(sender.pass_.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0 ||
      ::bind(sender.pass_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return system_error("a packet socket could not be set up", errno);
  }
  return sender;
}

bool Sender::pass(std::span<const std::byte> packet) { return send_all(pass_.get(), packet, nullptr, 0); }

bool Sender::pass_is_pending() const {
  // The stack lets go of the socket's account when it takes a packet as its own.
  int bytes = 0;
  return pass_ && ::ioctl(pass_.get(), SIOCOUTQ, &bytes) == 0 && bytes != 0;
}

bool Sender::redirect(uint32_t ifindex, std::span<const std::byte> packet) {
  const sockaddr_ll address = address_of(ifindex);
  return send_all(redirect_.get(), packet, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

}  // namespace vbpf::xdp
