// SPDX-License-Identifier: Apache-2.0
// A load balancer for one virtual address: clients' packets go to a backend, the answers come back through here.
//
//   client -> virtual address  becomes  client -> backend            (a packet to the backend's MAC)
//   backend -> client          becomes  virtual address -> client    (a packet to the MAC the client's packets came
//   from)
//
// The backends see the clients' addresses. They must send their answers by way of the balancer (as their gateway).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lru_map.h"
#include "maglev.h"
#include "packet.h"

namespace load_balancer {

using Mac = std::array<uint8_t, 6>;

struct Backend {
  uint32_t address = 0;
  Mac mac{};
  unsigned weight = 1;
};

struct Service {
  uint32_t address = 0;  // virtual: no machine has it
  uint16_t port = 0;
};

class Balancer {
 public:
  static constexpr size_t max_connections = 100'000;

  Balancer(Service service, std::vector<Backend> backends, uint64_t seed);

  enum class Action { pass, transmit, drop };
  // Rewrites the packet if it is the service's.
  Action handle(net::Packet& packet);

  size_t connections() const { return connections_.size(); }

 private:
  // The client's side of a connection; the other side is the service.
  struct Client {
    uint32_t address = 0;
    uint16_t port = 0;
    uint8_t protocol = 0;
    friend bool operator==(const Client&, const Client&) = default;
  };
  struct ClientHash {
    uint64_t seed;
    size_t operator()(const Client& client) const;
  };
  struct Connection {
    size_t backend = 0;
    Mac client_mac{};
  };

  Action to_backend(net::Packet& packet, uint16_t client_port);
  Action to_client(net::Packet& packet, uint16_t client_port);

  Service service_;
  std::vector<Backend> backends_;
  Maglev table_;
  ClientHash hash_;
  LruMap<Client, Connection, ClientHash> connections_;
};

}  // namespace load_balancer
