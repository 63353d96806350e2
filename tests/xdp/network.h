// SPDX-License-Identifier: Apache-2.0
// Two network namespaces joined by a veth pair, and raw packets between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vbpf::xdp_test {

using Bytes = std::vector<uint8_t>;

// Runs a shell command; the test fails when the command does.
void run(const std::string& command);
// What a command prints.
std::string output_of(const std::string& command);

// Puts the calling thread (and threads it makes) into a network namespace, as long as it lives.
class InNamespace {
 public:
  explicit InNamespace(const std::string& name);
  ~InNamespace();
  InNamespace(const InNamespace&) = delete;
  InNamespace& operator=(const InNamespace&) = delete;

 private:
  int before_;
};

// near: the side the hook is on, device "near"; far: the other side, device "far".
class Network {
 public:
  explicit Network(const std::string& veth_options = {}, int mtu = 1500);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const std::string near, far;  // the namespaces' names
  void in_near(const std::string& command) const { run("ip netns exec " + near + " " + command); }
  void in_far(const std::string& command) const { run("ip netns exec " + far + " " + command); }
};

// A packet socket on a device: sends, and receives what the network stack receives there (not what is sent).
class Tap {
 public:
  Tap(const std::string& space, const std::string& device, uint16_t protocol = 0x88b5);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  void send(const Bytes& packet) const;
  void send(const std::vector<Bytes>& packets) const;
  // The next packet, or nothing after the timeout.
  Bytes receive(int timeout_ms = 2000) const;
  // Up to count packets.
  std::vector<Bytes> receive_all(size_t count, int timeout_ms = 2000) const;

 private:
  int socket_;
};

// A packet that obey.cpp understands: order and argument, a serial number, bytes made from it.
Bytes order(char verb, uint32_t argument = 0, uint32_t serial = 0, size_t size = 60);

}  // namespace vbpf::xdp_test
