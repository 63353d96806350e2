// SPDX-License-Identifier: Apache-2.0
// Puts a tag of four bytes in front of the packet and cuts two from its end: data and data_end move.
#include "corpus.h"

CORPUS_ENTRY(struct vbpf_xdp* ctx);
CORPUS_ENTRY(struct vbpf_xdp* ctx) {
  const uint64_t hash = fold(ctx->ingress_ifindex, ctx->rx_queue_index);
  ctx->data -= 4;
  ctx->data_end -= 2;
  memmove(ctx->data, ctx->data + 4, 12);
  const uint8_t tag[] = {0x81, 0, 0, 42};
  memcpy(ctx->data + 12, tag, 4);
  return corpus_answer(ctx, hash);
}
