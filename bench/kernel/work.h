/* SPDX-License-Identifier: Apache-2.0 */
/* The work that is done as an extension and as eBPF: the same lines, compiled for both. */
#ifndef BENCH_KERNEL_WORK_H
#define BENCH_KERNEL_WORK_H

#define INLINE static inline __attribute__((always_inline))

/* A thousand steps, each of which needs the one before. */
INLINE unsigned int mix_thousand(unsigned int x) {
#pragma clang loop unroll(disable)
  for (unsigned int i = 0; i < 1000; ++i) x = (x ^ i) * 2654435761u;
  return x;
}

/* Whether it is IPv4 and UDP to that port. */
INLINE int is_udp_to(const unsigned char* data, const unsigned char* end, unsigned int port) {
  if (data + 14 + 20 + 8 > end) return 0;
  if (data[12] != 0x08 || data[13] != 0x00) return 0;
  if (data[14] != 0x45 || data[23] != 17) return 0;
  return ((unsigned int)data[36] << 8 | data[37]) == port;
}

/* The firewall's, as eBPF. Addresses are halves of 128 bits. */
struct bench_address {
  unsigned long long high, low;
};

#define ANY_PROTOCOL 256
struct bench_rule {
  struct bench_address prefix, mask;
  unsigned short protocol, first_port, last_port;
  unsigned char any_port, allow;
};

/* samples/firewall/default.rules, and many.rules. */
#define RULES 6
#define MANY_RULES 64

/* Those whose prefixes hold one prefix, in order. */
struct bench_prefix {
  unsigned int length;
  struct bench_address address; /* as in packets */
} __attribute__((packed));

struct bench_rules {
  unsigned char count, rules[MANY_RULES];
};

#endif
