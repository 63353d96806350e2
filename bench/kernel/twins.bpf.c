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
 * samples/firewall: ordered rules of prefix, protocol and ports, and counters for each source. Few rules are compared
 * one after the other. For many, a map finds the longest prefix, which has all rules whose prefixes hold it. Six
 * headers of IPv6 extensions are the most here.
 */
const volatile struct bench_rule rules[RULES], many_rules[MANY_RULES];

struct counters {
  u64 allowed, denied;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 65536);
  __type(key, struct bench_address);
  __type(value, struct counters);
} sources SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, MANY_RULES);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct bench_prefix);
  __type(value, struct bench_rules);
} prefixes SEC(".maps");

struct packet {
  struct bench_address source;
  u32 protocol, port, has_port;
};

INLINE u64 big_endian(const u8* p, int bytes) {
  u64 value = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[i];
  return value;
}

enum { MALFORMED, NOT_IP, READ };

INLINE int read_packet(const u8* data, const u8* end, struct packet* packet) {
  const u8* at = data + 14;
  if (at > end) return MALFORMED;
  u32 type = big_endian(data + 12, 2), left, fragment, offset;
#pragma clang loop unroll(full)
  for (int tag = 0; tag < 2; ++tag) {
    if (type != 0x8100 && type != 0x88a8) break;
    if (at + 4 > end) return MALFORMED;
    type = big_endian(at + 2, 2);
    at += 4;
  }
  if (type == 0x0800) {
    if (at + 20 > end || at[0] >> 4 != 4) return MALFORMED;
    const u32 header = (at[0] & 15) * 4, total = big_endian(at + 2, 2);
    if (header < 20 || total < header || at + total > end) return MALFORMED;
    packet->source.high = 0;
    packet->source.low = 0xffff00000000 | big_endian(at + 12, 4);
    packet->protocol = at[9];
    fragment = big_endian(at + 6, 2) & 0x3fff;
    offset = fragment & 0x1fff;
    left = total - header;
    at += header;
  } else if (type == 0x86dd) {
    if (at + 40 > end || at[0] >> 4 != 6) return MALFORMED;
    left = big_endian(at + 4, 2);
    if (at + 40 + left > end) return MALFORMED;
    packet->source.high = big_endian(at + 8, 8);
    packet->source.low = big_endian(at + 16, 8);
    packet->protocol = at[6];
    fragment = offset = 0;
    at += 40;
    for (int i = 0; i < 6 && !offset; ++i) {
      const u32 kind = packet->protocol;
      if (kind != 0 && kind != 43 && kind != 44 && kind != 51 && kind != 60) break;
      if (left < 8 || at + 8 > end) return MALFORMED;
      u32 size = 8;
      if (kind == 44) {
        fragment = 1;
        offset = big_endian(at + 2, 2) & 0xfff8;
      } else {
        size = kind == 51 ? (at[1] + 2) * 4 : (at[1] + 1) * 8;
        if (size < 8 || size > left) return MALFORMED;
      }
      packet->protocol = at[0];
      left -= size;
      at += size;
    }
  } else {
    return NOT_IP;
  }
  packet->has_port = 0;
  if (offset) return READ;
  if (packet->protocol == 6) {
    if (left < 20 || at + 20 > end) return MALFORMED;
    const u32 header = (at[12] >> 4) * 4;
    if (header < 20 || header > left) return MALFORMED;
  } else if (packet->protocol == 17) {
    if (left < 8 || at + 8 > end) return MALFORMED;
    const u32 length = big_endian(at + 4, 2);
    if (length < 8 || (!fragment && length > left)) return MALFORMED;
  } else {
    return READ;
  }
  packet->port = big_endian(at + 2, 2);
  packet->has_port = 1;
  return READ;
}

INLINE int holds(const volatile struct bench_rule* rule, const struct packet* packet) {
  if (rule->protocol != ANY_PROTOCOL && rule->protocol != packet->protocol) return 0;
  return rule->any_port || (packet->has_port && packet->port >= rule->first_port && packet->port <= rule->last_port);
}

INLINE u32 allows(const struct packet* packet) {
  for (int i = 0; i < RULES; ++i) {
    const volatile struct bench_rule* rule = &rules[i];
    if ((packet->source.high & rule->mask.high) != rule->prefix.high) continue;
    if ((packet->source.low & rule->mask.low) != rule->prefix.low) continue;
    if (holds(rule, packet)) return rule->allow;
  }
  return 0;
}

INLINE u32 many_allow(const struct packet* packet) {
  struct bench_prefix key = {.length = 128};
  key.address.high = __builtin_bswap64(packet->source.high);
  key.address.low = __builtin_bswap64(packet->source.low);
  const struct bench_rules* found = bpf_map_lookup_elem(&prefixes, &key);
  if (!found) return 0;
  for (int i = 0; i < MANY_RULES; ++i) {
    if (i >= found->count) break;
    const volatile struct bench_rule* rule = &many_rules[found->rules[i] & (MANY_RULES - 1)];
    if (holds(rule, packet)) return rule->allow;
  }
  return 0;
}

INLINE int decide(struct xdp_md* ctx, int many) {
  struct packet packet = {};
  const int read = read_packet((const u8*)(long)ctx->data, (const u8*)(long)ctx->data_end, &packet);
  if (read != READ) return read == MALFORMED ? XDP_DROP : XDP_PASS;
  const u32 allow = many ? many_allow(&packet) : allows(&packet);
  struct counters* counters = bpf_map_lookup_elem(&sources, &packet.source);
  if (!counters) {
    struct counters first = {};
    if (bpf_map_update_elem(&sources, &packet.source, &first, BPF_NOEXIST) != 0)
      packet.source = (struct bench_address){};
    counters = bpf_map_lookup_elem(&sources, &packet.source);
    if (!counters) return allow ? XDP_PASS : XDP_DROP;
  }
  if (allow)
    ++counters->allowed;
  else
    ++counters->denied;
  const u64 denied = counters->denied;
  if (counters->allowed + denied == 1)
    bpf_printk("firewall: new source");
  else if (!allow && (denied & (denied - 1)) == 0)
    bpf_printk("firewall: %llu packets denied, %llu allowed", denied, counters->allowed);
  return allow ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int firewall(struct xdp_md* ctx) { return decide(ctx, 0); }

SEC("xdp")
int firewall_many(struct xdp_md* ctx) { return decide(ctx, 1); }

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
  if (read != READ) return read == MALFORMED ? XDP_DROP : XDP_PASS;
  struct search search = {.ctx = ctx};
  bpf_loop(512, step, &search, 0);
  return search.match ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
