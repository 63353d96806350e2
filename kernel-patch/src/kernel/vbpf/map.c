// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF maps that an extension was given: vbpf_map_lookup(map, key, value),
 * vbpf_map_update(map, key, value, flags), vbpf_map_delete(map, key).
 *
 * Context: as import.c. Keys and values are copied to and from a buffer of this
 * CPU: the map works on what cannot change meanwhile. The extension has no
 * pointer into a map.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/percpu.h>

#include "vbpf.h"

/* The key and the value; used with interrupts off. */
struct buffer {
	u8 key[VBPF_MAP_VALUE_MAX], value[VBPF_MAP_VALUE_MAX];
};

static DEFINE_PER_CPU_ALIGNED(struct buffer, buffers);

enum { MAP_LOOKUP, MAP_UPDATE, MAP_DELETE };

static struct bpf_map *find_map(const struct vbpf_run *run, unsigned long address)
{
	const struct vbpf_extension *extension = run->instance->extension;
	unsigned long offset = address - run->instance->base - extension->map_offset;

	if (!extension->map_count || offset % extension->map_stride ||
	    offset / extension->map_stride >= extension->map_count)
		return NULL;
	return extension->maps[offset / extension->map_stride];
}

static bool lookup(struct vbpf_run *run, struct bpf_map *map, struct buffer *buffer, s64 *result)
{
	const void *found = map->ops->map_lookup_elem(map, buffer->key);

	*result = found ? 0 : -ENOENT;
	if (!found)
		return true;
	copy_map_value(map, buffer->value, (void *)found);
	return vbpf_run_copy_out(run, run->regs[VBPF_DX], buffer->value, map->value_size);
}

static bool update(struct vbpf_run *run, struct bpf_map *map, struct buffer *buffer, s64 *result)
{
	if (!vbpf_run_copy_in(run, buffer->value, run->regs[VBPF_DX], map->value_size))
		return false;
	*result = map->ops->map_update_elem(map, buffer->key, buffer->value, run->regs[VBPF_CX]);
	return true;
}

bool vbpf_map_import(struct vbpf_run *run, u64 number, u64 *value)
{
	struct bpf_map *map = find_map(run, run->regs[VBPF_DI]);
	struct buffer *buffer = this_cpu_ptr(&buffers);
	s64 result = 0;
	bool valid;

	if (!map || !vbpf_run_copy_in(run, buffer->key, run->regs[VBPF_SI], map->key_size))
		return false;
	/* As helpers do: what else the map's code does on this CPU must not end up in the map again. */
	bpf_disable_instrumentation();
	switch (number) {
	case MAP_LOOKUP:
		valid = lookup(run, map, buffer, &result);
		break;
	case MAP_UPDATE:
		valid = update(run, map, buffer, &result);
		break;
	default:
		valid = true;
		result = map->ops->map_delete_elem(map, buffer->key);
	}
	bpf_enable_instrumentation();
	*value = result;
	return valid;
}
