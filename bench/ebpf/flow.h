/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* The work of both sides, from one source: reads Ethernet, IPv4 and UDP, with the checks eBPF wants. */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#define FLOWS 4096u

struct flow {
  unsigned int source, target;
  unsigned short source_port, target_port;
  unsigned int protocol;
};

static inline unsigned short flow_swap(unsigned short value) { return (unsigned short)(value << 8 | value >> 8); }

/* 1, and the flow, for a UDP packet; then the packet is changed to be the next flow's. */
static inline __attribute__((always_inline)) int read_flow(unsigned char* data, unsigned char* end, struct flow* flow) {
  unsigned char *ip, *udp;
  unsigned short* port;
  if (data + 14 + 20 + 8 > end) return 0;
  if (data[12] != 0x08 || data[13] != 0x00) return 0;
  ip = data + 14;
  if (ip[0] != 0x45 || ip[9] != 17) return 0;
  udp = ip + 20;
  flow->source = *(unsigned int*)(ip + 12);
  flow->target = *(unsigned int*)(ip + 16);
  port = (unsigned short*)udp;
  flow->source_port = *port;
  flow->target_port = *(unsigned short*)(udp + 2);
  flow->protocol = 17;
  *port = flow_swap((unsigned short)((flow_swap(*port) + 1) & (FLOWS - 1)));
  return 1;
}

#endif
