/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search of l7_filter as an eBPF program: one step of an automaton for each byte of the packet. Every access is
 * checked, and still the kernel refuses it, because its verifier follows the loop byte by byte through every state.
 */
typedef unsigned char u8;
typedef unsigned int u32;

struct xdp_md {
  u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

#define SECTION(name) __attribute__((section(name), used))
#define STATES 64 /* a power of two */

/* Filled in by the program that loads this one. */
volatile u8 next_state[STATES][256];
volatile u8 is_match[STATES];

SECTION("xdp") int l7_filter(struct xdp_md* ctx) {
  const u8* end = (const u8*)(unsigned long)ctx->data_end;
  u32 state = 0;
  for (const u8* byte = (const u8*)(unsigned long)ctx->data; byte + 1 <= end; ++byte) {
    state = next_state[state & (STATES - 1)][*byte];
    if (is_match[state & (STATES - 1)]) return 1; /* XDP_DROP */
  }
  return 2; /* XDP_PASS */
}

SECTION("license") char license_text[] = "Dual BSD/GPL";
