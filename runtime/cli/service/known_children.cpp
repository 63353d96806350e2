// SPDX-License-Identifier: Apache-2.0
#include "known_children.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace vbpf::cli {
namespace {

// One part of the news of a child: its ranges, as many as there is room for. With the descriptor, if it has one.
struct Part {
  uint64_t id = 0;
  uint32_t is_first = 0, count = 0;
  std::array<uffd::Range, 512> ranges;

  size_t size() const { return offsetof(Part, ranges) + count * sizeof(uffd::Range); }
};

void send_part(int channel, Part& part, int descriptor) {
  iovec data{&part, part.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
  }
  while (::sendmsg(channel, &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

enum class Heard { part, nothing, end };

Heard receive_part(int channel, Part& part, File& descriptor) {
  iovec data{&part, sizeof(part)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
  if (size < 0) return errno == EAGAIN || errno == EINTR ? Heard::nothing : Heard::end;
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(header), sizeof(number));
    descriptor = File(number);
  }
  const bool whole = static_cast<size_t>(size) >= offsetof(Part, ranges) && part.count <= part.ranges.size() &&
                     static_cast<size_t>(size) == part.size();
  return whole ? Heard::part : Heard::end;
}

}  // namespace

Result<std::pair<File, File>> make_child_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return system_error("cannot make a pair of sockets", errno);
  std::pair<File, File> channel(ends[0], ends[1]);
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
    return system_error("cannot make a socket that does not block", errno);
  return channel;
}

void tell_of_child(int channel, const uffd::ChildNews& news) {
  std::span<const uffd::Range> left = news.ranges;
  Part part;
  part.id = news.id;
  part.is_first = 1;
  do {
    part.count = static_cast<uint32_t>(std::min(left.size(), part.ranges.size()));
    std::ranges::copy(left.first(part.count), part.ranges.begin());
    left = left.subspan(part.count);
    send_part(channel, part, part.is_first != 0 ? news.descriptor : -1);
    part.is_first = 0;
  } while (!left.empty());
}

bool KnownChildren::hear(int channel) {
  for (;;) {
    Part part;
    File descriptor;
    const Heard heard = receive_part(channel, part, descriptor);
    if (heard != Heard::part) return heard == Heard::nothing;
    if (part.is_first != 0) {
      children_.erase(part.id);
      if (!descriptor) continue;
      children_.emplace(part.id, Known{uffd::Target::of_child(std::move(descriptor), parent_), {}});
    }
    const auto child = children_.find(part.id);
    if (child == children_.end()) continue;
    child->second.ranges.insert(child->second.ranges.end(), part.ranges.begin(), part.ranges.begin() + part.count);
  }
}

void KnownChildren::give_up(uffd::OnExit policy) const {
  for (const auto& [id, child] : children_) child.target.give_up(policy, child.ranges);
}

}  // namespace vbpf::cli
