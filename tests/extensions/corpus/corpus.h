/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One corpus extension is a function from the packet's bytes to a number, written as
 *
 *   CORPUS { ... return fold(hash, value); }     with `input` and `size` in scope
 *
 * The entry folds the number into the packet and the verdict. The same source is compiled into the test itself
 * (CORPUS_NATIVE), which compares. Results must not depend on addresses, on the order of hash tables, or on anything
 * else the language leaves open. State in globals is kept from call to call.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef CORPUS_NATIVE
#include <vbpf/xdp_context.h>
#ifdef __cplusplus
#define CORPUS_ENTRY extern "C" int CORPUS_NAME
#else
#define CORPUS_ENTRY int CORPUS_NAME
#endif
#else
#include <vbpf/xdp.h>
#define CORPUS_ENTRY VBPF_XDP_ENTRY(CORPUS_NAME)
#endif

static inline uint64_t fold(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 31);
}

/* A small generator for test data. */
static inline uint64_t next_random(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

/* Changes every byte of the packet by the number; the verdict is one of the five. */
static inline int corpus_answer(struct vbpf_xdp* ctx, uint64_t hash) {
  const int verdict = (int)(hash % 5);
  for (uint8_t* byte = ctx->data; byte < ctx->data_end; ++byte) {
    *byte = (uint8_t)(*byte ^ hash);
    hash = fold(hash, 1);
  }
  return verdict;
}

#define CORPUS                                                                             \
  static uint64_t corpus_run(const uint8_t* input, size_t size);                           \
  CORPUS_ENTRY(struct vbpf_xdp* ctx);                                                      \
  CORPUS_ENTRY(struct vbpf_xdp* ctx) {                                                     \
    return corpus_answer(ctx, corpus_run(ctx->data, (size_t)(ctx->data_end - ctx->data))); \
  }                                                                                        \
  static uint64_t corpus_run(const uint8_t* input __attribute__((unused)), size_t size __attribute__((unused)))

#endif /* CORPUS_H */
