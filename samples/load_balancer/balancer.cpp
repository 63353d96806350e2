// SPDX-License-Identifier: Apache-2.0
#include "balancer.h"

#include <algorithm>
#include <utility>

#include "address.h"
#include "checksum.h"

namespace load_balancer {
namespace {

std::vector<Candidate> candidates_of(const std::vector<Backend>& backends) {
  std::vector<Candidate> candidates;
  candidates.reserve(backends.size());
  for (const Backend& backend : backends) candidates.push_back({backend.address, backend.weight});
  return candidates;
}

void readdress(net::Packet& packet, const Mac& receiver) {
  std::ranges::copy(packet.ethernet->destination, packet.ethernet->source);  // the packet was sent to this device
  std::ranges::copy(receiver, packet.ethernet->destination);
}

}  // namespace

size_t Balancer::ClientHash::operator()(const Client& client) const {
  return net::mix(seed, static_cast<uint64_t>(client.address) << 32 | client.port << 8 | client.protocol);
}

Balancer::Balancer(Service service, std::vector<Backend> backends, uint64_t seed)
    : service_(service),
      backends_(std::move(backends)),
      table_(candidates_of(backends_)),
      hash_{seed},
      connections_(max_connections, hash_) {}

Balancer::Action Balancer::handle(net::Packet& packet) {
  if (!packet.ipv4) return Action::pass;
  if (packet.fragment) return packet.ipv4->destination == service_.address ? Action::drop : Action::pass;
  if (!packet.tcp && !packet.udp) return Action::pass;
  const uint16_t source_port = packet.tcp ? packet.tcp->source : packet.udp->source;
  const uint16_t destination_port = packet.tcp ? packet.tcp->destination : packet.udp->destination;
  if (packet.ipv4->destination == service_.address && destination_port == service_.port) {
    return to_backend(packet, source_port);
  }
  if (source_port == service_.port) return to_client(packet, destination_port);
  return Action::pass;
}

// A known connection keeps its backend; a new one gets the table's.
Balancer::Action Balancer::to_backend(net::Packet& packet, uint16_t client_port) {
  const Client client{packet.ipv4->source, client_port, packet.protocol};
  Connection* connection = connections_.find(client);
  if (!connection) {
    // Not the secret seed of the connection table: other queues and machines must pick the same backend.
    const size_t backend = table_.pick(ClientHash{0}(client));
    if (backend == Maglev::none) return Action::drop;
    connection = &connections_.insert(client, {backend, {}});
  }
  std::ranges::copy(packet.ethernet->source, connection->client_mac.begin());
  const Backend& backend = backends_[connection->backend];
  rewrite_address(packet, packet.ipv4->destination, backend.address);
  readdress(packet, backend.mac);
  return Action::transmit;
}

Balancer::Action Balancer::to_client(net::Packet& packet, uint16_t client_port) {
  const Connection* connection = connections_.find({packet.ipv4->destination, client_port, packet.protocol});
  if (!connection || backends_[connection->backend].address != packet.ipv4->source) return Action::pass;
  rewrite_address(packet, packet.ipv4->source, service_.address);
  readdress(packet, connection->client_mac);
  return Action::transmit;
}

}  // namespace load_balancer
