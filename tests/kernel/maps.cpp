// SPDX-License-Identifier: Apache-2.0
// An extension with maps, the same for every engine: the packet says what to do with them.
#include <cstring>

#include "vbpf/map.hpp"
#include "vbpf/xdp.h"

struct Pair {
  uint64_t first, second;
};

VBPF_MAPS constinit const vbpf::HashMap<uint32_t, Pair> pairs("pairs", 4);
VBPF_MAPS constinit const vbpf::ArrayMap<uint64_t> totals("totals", 3);
VBPF_MAP(plain, VBPF_MAP_HASH, uint64_t, uint32_t, 8);

// Of the packet's command, and what came of it.
struct Command {
  uint32_t what, key;
  uint64_t flags;
  Pair value;
  int64_t result;
};

VBPF_XDP_ENTRY(use_maps)(struct vbpf_xdp* ctx) {
  if (ctx->data_end - ctx->data < static_cast<ptrdiff_t>(sizeof(Command))) return XDP_ABORTED;
  Command command;
  std::memcpy(&command, ctx->data, sizeof(command));
  switch (command.what) {
    case 0:
      command.result = pairs.update(command.key, command.value, command.flags);
      break;
    case 1: {
      const auto found = pairs.lookup(command.key);
      command.result = found ? 1 : 0;
      command.value = found.value_or(Pair{});
      break;
    }
    case 2:
      command.result = pairs.erase(command.key);
      break;
    case 3:
      command.result = totals.update(command.key, totals.lookup(command.key).value_or(0) + command.value.first);
      break;
    case 4: {
      const auto found = totals.lookup(command.key);
      command.result = found ? static_cast<int64_t>(*found) : -1;
      break;
    }
    case 5:
      command.result = totals.erase(command.key);
      break;
    case 6: {
      const uint64_t key = command.key;
      uint32_t value = 7;
      command.result = vbpf_map_update(&plain, &key, &value, VBPF_NOEXIST);
      if (command.result == 0) command.result = vbpf_map_lookup(&plain, &key, &value) == 0 ? value : -1000;
      break;
    }
    case 7: {  // into memory of the heap that was never touched
      auto* value = static_cast<Pair*>(operator new(sizeof(Pair) * 100000));
      command.result = vbpf_map_lookup(reinterpret_cast<const vbpf_map*>(&pairs), &command.key, value + 90000);
      command.value = value[90000];
      operator delete(value);
      break;
    }
    // Lies, each of which ends the invocation.
    case 100:
      command.result = vbpf_map_lookup(nullptr, &command.key, &command.value);
      break;
    case 101:  // between two maps
      command.result = vbpf_map_lookup(reinterpret_cast<const vbpf_map*>(reinterpret_cast<const char*>(&pairs) + 8),
                                       &command.key, &command.value);
      break;
    case 102:  // after the last
      command.result = vbpf_map_lookup(&plain + 1, &command.key, &command.value);
      break;
    case 103:
      command.result =
          vbpf_map_lookup(reinterpret_cast<const vbpf_map*>(&pairs), reinterpret_cast<void*>(16), &command.value);
      break;
    case 104:  // a value that would be written to read-only memory
      command.result =
          vbpf_map_lookup(reinterpret_cast<const vbpf_map*>(&totals), &command.key, const_cast<vbpf_map*>(&plain));
      break;
    default:
      return XDP_DROP;
  }
  std::memcpy(ctx->data, &command, sizeof(command));
  return XDP_PASS;
}
