// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <queue>
#include <vector>

#include "corpus.h"

// Shortest paths on a graph that the packet describes: unbounded nested loops over linked data.
CORPUS {
  constexpr uint32_t nodes = 64, far = std::numeric_limits<uint32_t>::max();
  struct Edge {
    uint32_t to, cost;
  };
  std::vector<std::vector<Edge>> graph(nodes);
  for (size_t i = 0; i + 2 < size; ++i) graph[input[i] % nodes].push_back({input[i + 1] % nodes, input[i + 2] + 1u});
  std::vector<uint32_t> distance(nodes, far);
  using Item = std::pair<uint32_t, uint32_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  queue.emplace(0, input[0] % nodes);
  while (!queue.empty()) {
    const auto [cost, node] = queue.top();
    queue.pop();
    if (cost >= distance[node]) continue;
    distance[node] = cost;
    for (const Edge& edge : graph[node]) queue.emplace(cost + edge.cost, edge.to);
  }
  uint64_t hash = 1;
  for (uint32_t d : distance) hash = fold(hash, d);
  return hash;
}
