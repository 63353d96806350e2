/* SPDX-License-Identifier: Apache-2.0 */
/* The context of the XDP hook, without the verdicts (which host code has from <linux/bpf.h>). */
#ifndef VBPF_XDP_CONTEXT_H
#define VBPF_XDP_CONTEXT_H

#include <stdint.h>

/* Bytes before the packet that an entry may move data into, as XDP has. */
#define VBPF_XDP_HEADROOM 256

/*
 * One packet. The entry may change the bytes in [data, data_end) and move data and data_end within the frame:
 * up to VBPF_XDP_HEADROOM bytes before, and the frame's tail after. data_meta == data when there is no metadata.
 */
struct vbpf_xdp {
  uint8_t* data;
  uint8_t* data_end;
  uint8_t* data_meta;
  uint32_t ingress_ifindex;
  uint32_t rx_queue_index;
  uint32_t egress_ifindex; /* 0 on entry; for XDP_REDIRECT: set to the device the packet goes to */
};

#endif /* VBPF_XDP_CONTEXT_H */
