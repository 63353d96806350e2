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

struct bench_rule {
  struct bench_address prefix, mask;
  unsigned int protocol; /* 0: any */
  unsigned int port;     /* 0: any */
  unsigned int allow;
  unsigned int reserved;
};

#endif
