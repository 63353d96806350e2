// SPDX-License-Identifier: GPL-2.0-only
// The same work as verified eBPF, and the stub that calls the extensions.
// clang-format off: the helpers' header needs the kernel's types before it
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
// clang-format on
#include "work.h"

#define u8 unsigned char
#define u32 __u32
#define u64 __u64

extern u32 vbpf_xdp(struct xdp_md* ctx, u32 id, u32 entry) __ksym;

const volatile u32 extension = 0;

SEC("xdp")
int call_extension(struct xdp_md* ctx) { return vbpf_xdp(ctx, extension, 0); }

SEC("xdp")
int nothing(struct xdp_md* ctx) { return XDP_PASS; }

SEC("xdp")
int loop(struct xdp_md* ctx) { return mix_thousand(ctx->rx_queue_index + 1) == 0 ? XDP_DROP : XDP_PASS; }

SEC("xdp")
int parse(struct xdp_md* ctx) {
  return is_udp_to((const u8*)(long)ctx->data, (const u8*)(long)ctx->data_end, 7777) ? XDP_DROP : XDP_PASS;
}

/*
 * samples/firewall: ordered rules of prefix, protocol and port, and counters for each source. IPv4 and IPv6 without
 * extension headers; rules are compared one after the other, which for six of them is faster than a map of prefixes.
 */
#define RULES 6
const volatile struct bench_rule rules[RULES];

struct counters {
  u64 allowed, denied;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, struct bench_address);
  __type(value, struct counters);
} sources SEC(".maps");

struct packet {
  struct bench_address source;
  u32 protocol, port;
};

INLINE u64 big_endian(const u8* p, int bytes) {
  u64 value = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[i];
  return value;
}

/* 0: malformed; 1: not IP; 2: read. */
INLINE int read_packet(const u8* data, const u8* end, struct packet* packet) {
  const u8* transport;
  if (data + 14 > end) return 0;
  const u32 type = big_endian(data + 12, 2);
  if (type == 0x0800) {
    if (data + 34 > end || data[14] >> 4 != 4) return 0;
    const u32 header = (data[14] & 15) * 4, total = big_endian(data + 16, 2);
    if (header < 20 || total < header || data + 14 + total > end) return 0;
    packet->source.high = 0;
    packet->source.low = 0xffff00000000 | big_endian(data + 26, 4);
    packet->protocol = data[23];
    if (big_endian(data + 20, 2) & 0x1fff) return 2;
    transport = data + 14 + header;
  } else if (type == 0x86dd) {
    if (data + 54 > end || data[14] >> 4 != 6) return 0;
    packet->source.high = big_endian(data + 22, 8);
    packet->source.low = big_endian(data + 30, 8);
    packet->protocol = data[20];
    transport = data + 54;
  } else {
    return 1;
  }
  if (packet->protocol != 6 && packet->protocol != 17) return 2;
  if (transport + (packet->protocol == 6 ? 20 : 8) > end) return 0;
  packet->port = big_endian(transport + 2, 2);
  return 2;
}

SEC("xdp")
int firewall(struct xdp_md* ctx) {
  struct packet packet = {};
  const int read = read_packet((const u8*)(long)ctx->data, (const u8*)(long)ctx->data_end, &packet);
  if (read != 2) return read == 0 ? XDP_DROP : XDP_PASS;
  u32 allow = 0;
  for (int i = 0; i < RULES; ++i) {
    const volatile struct bench_rule* rule = &rules[i];
    if ((packet.source.high & rule->mask.high) != rule->prefix.high) continue;
    if ((packet.source.low & rule->mask.low) != rule->prefix.low) continue;
    if (rule->protocol && rule->protocol != packet.protocol) continue;
    if (rule->port && rule->port != packet.port) continue;
    allow = rule->allow;
    break;
  }
  struct counters* counters = bpf_map_lookup_elem(&sources, &packet.source);
  if (!counters) {
    struct counters first = {};
    bpf_map_update_elem(&sources, &packet.source, &first, BPF_NOEXIST);
    counters = bpf_map_lookup_elem(&sources, &packet.source);
    if (!counters) return allow ? XDP_PASS : XDP_DROP;
  }
  if (allow)
    ++counters->allowed;
  else
    ++counters->denied;
  return allow ? XDP_PASS : XDP_DROP;
}

/*
 * samples/l7_filter: an automaton, one step for each byte of a UDP payload. The verifier refuses a loop over the packet
 * (samples/l7_filter/ebpf), so bpf_loop() goes in steps of 16 bytes, which are checked at once.
 */
#define STATES 64
#define STEP 16
#define HEADERS 42
u8 next_state[STATES][256];
u8 is_match[STATES];

struct search {
  struct xdp_md* ctx;
  u32 state, match;
};

static long step(u32 index, struct search* search) {
  const u8* data = (const u8*)(long)search->ctx->data;
  const u8* end = (const u8*)(long)search->ctx->data_end;
  u32 state = search->state;
  const u8* text = data + HEADERS + (index & 511) * STEP;
  if (text + STEP <= end) {
#pragma clang loop unroll(full)
    for (int i = 0; i < STEP; ++i) {
      state = next_state[state & (STATES - 1)][text[i]];
      if (is_match[state & (STATES - 1)]) goto match;
    }
  } else {
#pragma clang loop unroll(full)
    for (int i = 0; i < STEP - 1; ++i) {
      if (text + i + 1 > end) return 1;
      state = next_state[state & (STATES - 1)][text[i]];
      if (is_match[state & (STATES - 1)]) goto match;
    }
    return 1;
  }
  search->state = state;
  return 0;
match:
  search->match = 1;
  return 1;
}

SEC("xdp")
int l7_filter(struct xdp_md* ctx) {
  struct packet packet = {};
  const int read = read_packet((const u8*)(long)ctx->data, (const u8*)(long)ctx->data_end, &packet);
  if (read != 2) return read == 0 ? XDP_DROP : XDP_PASS;
  struct search search = {.ctx = ctx};
  bpf_loop(512, step, &search, 0);
  return search.match ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
