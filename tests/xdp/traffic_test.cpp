// SPDX-License-Identifier: Apache-2.0
// Ordinary programs talk through an extension that lets everything pass.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "hooked.h"

namespace vbpf::xdp_test {
namespace {

sockaddr_in address(const char* text, uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  ::inet_pton(AF_INET, text, &made.sin_addr);
  return made;
}

int socket_in(const std::string& space, int type) {
  const InNamespace in(space);
  return ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
}

int bound_in(const std::string& space, int type) {
  const int made = socket_in(space, type);
  const sockaddr_in at = address("192.0.2.1", 7000);
  EXPECT_EQ(0, ::bind(made, reinterpret_cast<const sockaddr*>(&at), sizeof(at)));
  return made;
}

class Traffic : public testing::TestWithParam<xdp::AttachMode> {
 protected:
  Traffic() {
    xdp::Options options = near_device();
    options.attach = GetParam();
    hooked_.emplace(network_, "pass", options);
  }
  const Network network_;
  std::optional<Hooked> hooked_;
};

TEST_P(Traffic, Ping) {
  ASSERT_TRUE(hooked_->attached()) << hooked_->error();
  network_.in_far("ping -q -c 50 -i 0.01 -W 2 192.0.2.1 > /dev/null");
  EXPECT_GE(hooked_->total().verdicts[2], 50u);
}

TEST_P(Traffic, Udp) {
  ASSERT_TRUE(hooked_->attached()) << hooked_->error();
  const int server = bound_in(network_.near, SOCK_DGRAM), client = socket_in(network_.far, SOCK_DGRAM);
  const int size = 16 << 20;
  ::setsockopt(server, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
  const sockaddr_in to = address("192.0.2.1", 7000);
  network_.in_far("ping -q -c 1 -W 2 192.0.2.1 > /dev/null");  // the address is known then
  for (uint32_t number = 0; number < 2000; ++number) {
    Bytes text(4 + number % 1400, static_cast<uint8_t>(number));
    std::memcpy(text.data(), &number, sizeof(number));
    ASSERT_EQ(static_cast<ssize_t>(text.size()),
              ::sendto(client, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)));
  }
  for (uint32_t number = 0; number < 2000; ++number) {
    pollfd wait{server, POLLIN, 0};
    ASSERT_EQ(1, ::poll(&wait, 1, 2000)) << number;
    Bytes text(2000);
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::recv(server, text.data(), text.size(), 0))));
    Bytes expected(4 + number % 1400, static_cast<uint8_t>(number));
    std::memcpy(expected.data(), &number, sizeof(number));
    ASSERT_EQ(expected, text) << number;
  }
  ::close(server);
  ::close(client);
}

TEST_P(Traffic, Tcp) {
  ASSERT_TRUE(hooked_->attached()) << hooked_->error();
  constexpr size_t size = 32 << 20;
  Bytes sent(size), got;
  uint32_t state = 1;
  for (uint8_t& byte : sent) byte = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  const int server = bound_in(network_.near, SOCK_STREAM), client = socket_in(network_.far, SOCK_STREAM);
  ASSERT_EQ(0, ::listen(server, 1));
  std::thread sender([&] {
    const sockaddr_in to = address("192.0.2.1", 7000);
    EXPECT_EQ(0, ::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof(to)));
    EXPECT_EQ(static_cast<ssize_t>(size), ::send(client, sent.data(), sent.size(), 0));
    ::shutdown(client, SHUT_WR);
  });
  const int connection = ::accept(server, nullptr, nullptr);
  Bytes part(1 << 20);
  while (true) {
    pollfd wait{connection, POLLIN, 0};
    if (::poll(&wait, 1, 10000) != 1) break;
    const ssize_t more = ::recv(connection, part.data(), part.size(), 0);
    if (more <= 0) break;
    got.insert(got.end(), part.begin(), part.begin() + more);
  }
  sender.join();
  EXPECT_EQ(size, got.size());
  EXPECT_TRUE(sent == got);
  for (const int open : {server, client, connection}) ::close(open);
}

INSTANTIATE_TEST_SUITE_P(Modes, Traffic, testing::Values(xdp::AttachMode::native, xdp::AttachMode::generic),
                         [](const auto& mode) { return mode.param == xdp::AttachMode::native ? "native" : "generic"; });

}  // namespace
}  // namespace vbpf::xdp_test
