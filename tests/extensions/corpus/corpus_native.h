// SPDX-License-Identifier: Apache-2.0
// What every corpus source gives when it is compiled natively, for the tests that compare with it.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "vbpf/xdp_context.h"

#define CORPUS_EXTENSION(name) extern "C" int corpus_##name(vbpf_xdp* ctx);
#include "corpus.def"
#undef CORPUS_EXTENSION

namespace corpus {

using Bytes = std::vector<uint8_t>;

struct Case {
  const char* name;
  int (*native)(vbpf_xdp*);
};
inline const Case cases[] = {
#define CORPUS_EXTENSION(name) {#name, corpus_##name},
#include "corpus.def"
#undef CORPUS_EXTENSION
};

constexpr size_t frame_size = 2048;

// Packets of several sizes and kinds; the same at each run.
inline std::vector<Bytes> inputs() {
  std::vector<Bytes> packets;
  uint64_t state = 88172645463325252;
  for (size_t size : {60, 61, 64, 127, 300, 512, 1000, 1514}) {
    for (int kind = 0; kind < 3; ++kind) {
      Bytes packet(size);
      for (size_t i = 0; i < size; ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        packet[i] = static_cast<uint8_t>(kind == 0 ? state : kind == 1 ? "GET /index.html HTTP/1.1 "[i % 25] : i);
      }
      packets.push_back(packet);
    }
  }
  return packets;
}

struct Answer {
  int verdict;
  Bytes packet;
  bool operator==(const Answer&) const = default;
};

inline void fill(vbpf_xdp& ctx, uint8_t* frame, const Bytes& packet) {
  std::memset(frame, 0, frame_size);
  std::memcpy(frame + VBPF_XDP_HEADROOM, packet.data(), packet.size());
  ctx = {};
  ctx.data = ctx.data_meta = frame + VBPF_XDP_HEADROOM;
  ctx.data_end = ctx.data + packet.size();
  ctx.ingress_ifindex = 7;
  ctx.rx_queue_index = 3;
}

inline Answer native_answer(const Case& one, const Bytes& packet) {
  Bytes frame(frame_size);
  vbpf_xdp ctx{};
  fill(ctx, frame.data(), packet);
  const int verdict = one.native(&ctx);
  return {verdict, {ctx.data, ctx.data_end}};
}

}  // namespace corpus
