/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BPF maps: memory that all instances of an extension see, and other programs too (bpftool map dump).
 *
 *   VBPF_MAP(hits, VBPF_MAP_HASH, uint32_t, uint64_t, 1024);
 *   uint64_t count = 0;
 *   vbpf_map_lookup(&hits, &source, &count);
 *   ++count;
 *   vbpf_map_update(&hits, &source, &count, VBPF_ANY);
 *
 * Keys and values are copied: there are no pointers into a map. Between a lookup and an update others may have changed
 * the value.
 */
#ifndef VBPF_MAP_H
#define VBPF_MAP_H

#include "vbpf/vbpf.h"

/* Flags of vbpf_map_update(). */
#define VBPF_ANY 0u     /* whether it is there or not */
#define VBPF_NOEXIST 1u /* only if it is not there: -EEXIST */
#define VBPF_EXIST 2u   /* only if it is there: -ENOENT */

/* Where descriptors have to be; vbpf::Map (map.hpp) is one. */
#define VBPF_MAPS __attribute__((section(VBPF_SECTION_MAPS), used, visibility("hidden"), aligned(8)))

/* A map of that name, at most 15 characters, for this file. */
#define VBPF_MAP(map_name, map_type, key_type, map_value_type, entries)                    \
  VBPF_MAPS static const struct vbpf_map map_name = {.type = (map_type),                   \
                                                     .key_size = sizeof(key_type),         \
                                                     .value_size = sizeof(map_value_type), \
                                                     .max_entries = (entries),             \
                                                     .name = #map_name}

#endif /* VBPF_MAP_H */
