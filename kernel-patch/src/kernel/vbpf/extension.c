// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extensions from creation to the end. An id names one that can be found; a
 * reference keeps its memory; RCU keeps it while it runs.
 */
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/memcontrol.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>
#include <asm/tsc.h>

#include "vbpf.h"

/* Ids go up and are not used again soon: an old one in a program names nothing. */
static DEFINE_XARRAY_ALLOC1(extensions);
static u32 next_id;
/* Those created last, by the low bits of their ids: found without a walk. */
struct vbpf_extension *vbpf_extension_recent[64];
/* Of names, ids, and being kept; taken after an extension's mutex. */
static DEFINE_MUTEX(registry_lock);
static u32 count;

#define LONGEST_BUDGET_NS	(1000 * NSEC_PER_MSEC)

static u64 to_ticks(u64 ns)
{
	return mul_u64_u64_div_u64(ns, tsc_khz, NSEC_PER_MSEC);
}

u32 vbpf_extension_count(void)
{
	return READ_ONCE(count);
}

static int check_request(const struct vbpf_create *create)
{
	size_t i, length = strnlen(create->name, sizeof(create->name));

	if (length == 0 || length == sizeof(create->name))
		return -EINVAL;
	for (i = 0; i < length; i++) {
		if (create->name[i] <= ' ' || create->name[i] > '~' || create->name[i] == '/')
			return -EINVAL;
	}
	if (create->flags & ~(VBPF_PRECISE | VBPF_READ_ONLY) ||
	    create->concurrency > VBPF_CONCURRENCY_SERIAL || create->on_fault > VBPF_ON_FAULT_RESTART)
		return -EINVAL;
	if (create->budget_ns == 0 || create->budget_ns > LONGEST_BUDGET_NS || create->init_budget_ns == 0 ||
	    create->init_budget_ns > LONGEST_BUDGET_NS)
		return -EINVAL;
	if (create->stack_size > VBPF_STACK_SIZE || create->heap_size > VBPF_REGION_HEAP_SIZE ||
	    !PAGE_ALIGNED(create->heap_size))
		return -E2BIG;
	if (create->fill_size && (create->fill_size < PAGE_SIZE || create->fill_size > VBPF_USERFAULT_PAGE_MAX ||
				  !is_power_of_2(create->fill_size)))
		return -E2BIG;
	if (create->copy_size > VBPF_PACKET_MAX && create->copy_size != VBPF_COPY_NOTHING)
		return -E2BIG;
	return 0;
}

static void free_extension(struct vbpf_extension *extension)
{
	u32 i;

	vbpf_domain_drop(extension);
	for (i = 0; i < extension->instance_count; i++)
		vbpf_instance_free(&extension->instances[i]);
	vbpf_source_free(extension);
	for (i = 0; i < extension->map_count; i++)
		bpf_map_put(extension->maps[i]);
	kfree(extension->maps);
	mem_cgroup_put(extension->memcg);
	kvfree(extension->instances);
	kvfree(extension->record);
	kvfree(extension->entries);
	kvfree(extension->constructors);
	free_percpu(extension->counters);
	kfree(extension);
}

static bool name_taken(const char *name)
{
	struct vbpf_extension *other;
	unsigned long id;

	xa_for_each(&extensions, id, other) {
		if (strcmp(other->name, name) == 0)
			return true;
	}
	return false;
}

/* From here on it can be found, if not called. */
static int register_extension(struct vbpf_extension *extension)
{
	int error;

	mutex_lock(&registry_lock);
	error = name_taken(extension->name) ? -EEXIST :
		xa_alloc_cyclic(&extensions, &extension->id, extension, xa_limit_31b, &next_id, GFP_KERNEL_ACCOUNT);
	if (error >= 0) {
		count++;
		WRITE_ONCE(vbpf_extension_recent[extension->id % ARRAY_SIZE(vbpf_extension_recent)], extension);
	}
	mutex_unlock(&registry_lock);
	return min(error, 0);
}

static struct vbpf_extension *allocate(const struct vbpf_create *create)
{
	struct vbpf_extension *extension = kzalloc(sizeof(*extension), GFP_KERNEL_ACCOUNT);

	if (!extension)
		return NULL;
	mutex_init(&extension->mutex);
	kref_init(&extension->references);
	strscpy(extension->name, create->name);
	extension->concurrency = create->concurrency;
	extension->flags = create->flags;
	/* As the kfuncs compare it: a number of bytes at most. */
	extension->copy_size = create->copy_size == VBPF_COPY_LINEAR ? U32_MAX :
			       create->copy_size == VBPF_COPY_NOTHING ? 0 : create->copy_size;
	extension->on_fault = create->on_fault;
	extension->max_restarts = create->max_restarts;
	vbpf_restart_init(extension);
	extension->stack_size = create->stack_size;
	extension->heap_size = create->heap_size;
	extension->fill_size = create->fill_size ?: PAGE_SIZE;
	INIT_LIST_HEAD(&extension->attached);
	extension->budget_ns = create->budget_ns;
	extension->init_budget_ns = create->init_budget_ns;
	extension->budget = to_ticks(create->budget_ns);
	extension->init_budget = to_ticks(create->init_budget_ns);
	extension->created_ns = ktime_get_boottime_ns();
	extension->memcg = get_mem_cgroup_from_mm(current->mm);
	extension->counters = alloc_percpu_gfp(struct vbpf_counters, GFP_KERNEL_ACCOUNT);
	extension->record = kvzalloc(sizeof(*extension->record), GFP_KERNEL_ACCOUNT);
	if (!extension->counters || !extension->record) {
		free_extension(extension);
		return NULL;
	}
	vbpf_record_init(extension->record);
	return extension;
}

static int make_instances(struct vbpf_extension *extension)
{
	u32 wanted = extension->concurrency == VBPF_CONCURRENCY_PER_CPU ? nr_cpu_ids : 1;

	extension->instances = kvcalloc(wanted, sizeof(*extension->instances), GFP_KERNEL_ACCOUNT);
	if (!extension->instances)
		return -ENOMEM;
	while (extension->instance_count < wanted) {
		int error = vbpf_instance_init(&extension->instances[extension->instance_count++], extension);

		if (error)
			return error;
	}
	return 0;
}

/* The caller owns one reference. Writes the out fields. */
struct vbpf_extension *vbpf_extension_create(struct vbpf_create *create)
{
	struct vbpf_extension *extension;
	int error = check_request(create);

	if (error)
		return ERR_PTR(error);
	if (vbpf_arch_support() != VBPF_SUPPORT_OK)
		return ERR_PTR(-EOPNOTSUPP);
	extension = allocate(create);
	if (!extension)
		return ERR_PTR(-ENOMEM);
	error = make_instances(extension) ?: register_extension(extension);
	if (error) {
		free_extension(extension);
		return ERR_PTR(error);
	}
	create->id = extension->id;
	create->instances = extension->instance_count;
	return extension;
}

struct vbpf_extension *vbpf_extension_find_slow(u32 id)
{
	return xa_load(&extensions, id);
}

/* With the registry's lock. True: it could be found till now, and is used for as long as a grace period. */
static bool forget(struct vbpf_extension *extension)
{
	/* The id may be another's by now. */
	bool found = xa_cmpxchg(&extensions, extension->id, extension, NULL, 0) == extension;

	cmpxchg(&vbpf_extension_recent[extension->id % ARRAY_SIZE(vbpf_extension_recent)], extension, NULL);
	return found;
}

struct vbpf_extension *vbpf_extension_get(u32 id)
{
	struct vbpf_extension *extension;

	rcu_read_lock();
	extension = xa_load(&extensions, id);
	if (extension && !kref_get_unless_zero(&extension->references))
		extension = NULL;
	rcu_read_unlock();
	return extension;
}

int vbpf_extension_next(u32 *id)
{
	unsigned long index = *id;

	if (!xa_find_after(&extensions, &index, ULONG_MAX, XA_PRESENT))
		return -ENOENT;
	*id = index;
	return 0;
}

/* May sleep for a grace period: who found it before may be running it. */
static void release(struct kref *references)
{
	struct vbpf_extension *extension = container_of(references, struct vbpf_extension, references);
	bool found;

	mutex_lock(&registry_lock);
	found = forget(extension);
	count--;
	mutex_unlock(&registry_lock);
	WRITE_ONCE(extension->state, VBPF_STATE_STOPPED);
	vbpf_seats_forget_wait(extension);
	if (found)
		synchronize_rcu();
	vbpf_userfault_detach_all(extension);
	/* Nobody runs it: no more work is queued. */
	cancel_work_sync(&extension->restart);
	free_extension(extension);
}

/* Process context. */
void vbpf_extension_put(struct vbpf_extension *extension)
{
	kref_put(&extension->references, release);
}

static int copy_table(u64 **table, u64 from, u32 count)
{
	u64 *copy = vmemdup_array_user(u64_to_user_ptr(from), count, sizeof(u64));

	if (IS_ERR(copy))
		return PTR_ERR(copy);
	*table = copy;
	return 0;
}

/* All in the text, whose size is known by now. */
static bool offsets_valid(const u64 *offsets, u32 count, u64 text_size)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (offsets[i] < VBPF_REGION_IMAGE || offsets[i] - VBPF_REGION_IMAGE >= text_size)
			return false;
	}
	return true;
}

/* The first image's tables are kept: all instances have the same. */
static int load_tables(struct vbpf_extension *extension, const struct vbpf_image *image)
{
	int error = 0;

	if (extension->entries)
		return image->entry_count == extension->entry_count &&
		       image->constructor_count == extension->constructor_count ? 0 : -EINVAL;
	error = copy_table(&extension->entries, image->entries, image->entry_count);
	if (!error && image->constructor_count)
		error = copy_table(&extension->constructors, image->constructors, image->constructor_count);
	if (error)
		return error;
	extension->entry_count = image->entry_count;
	extension->constructor_count = image->constructor_count;
	if (!offsets_valid(extension->entries, image->entry_count, image->target_map_size) ||
	    !offsets_valid(extension->constructors, image->constructor_count, image->target_map_size))
		return -EINVAL;
	return 0;
}

int vbpf_extension_load(struct vbpf_extension *extension, const struct vbpf_image *image)
{
	struct vbpf_segment segments[VBPF_SEGMENTS_MAX];
	struct vbpf_instance *instance;
	int error;

	if (image->segment_count == 0 || image->segment_count > VBPF_SEGMENTS_MAX || image->entry_count == 0 ||
	    image->entry_count > VBPF_ENTRIES_MAX || image->constructor_count > VBPF_CONSTRUCTORS_MAX ||
	    image->instance >= extension->instance_count)
		return -EINVAL;
	if (copy_from_user(segments, u64_to_user_ptr(image->segments), image->segment_count * sizeof(segments[0])))
		return -EFAULT;
	mutex_lock(&extension->mutex);
	instance = &extension->instances[image->instance];
	if (extension->state != VBPF_STATE_EMPTY || instance->loaded) {
		error = -EBUSY;
	} else {
		/* Once only, also when it fails: pages of the attempt are mapped. */
		instance->loaded = true;
		error = load_tables(extension, image) ?:
			vbpf_instance_map_source(instance, extension->source, PFN_UP(extension->source_size)) ?:
			vbpf_instance_map_image(instance, segments, image->segment_count,
						u64_to_user_ptr(image->target_map), image->target_map_size);
		if (error)
			extension->state = VBPF_STATE_STOPPED;
	}
	mutex_unlock(&extension->mutex);
	return error;
}

/* Runs the constructors of every instance. -ECANCELED: one faulted, and @fault says how. */
int vbpf_extension_start(struct vbpf_extension *extension, struct vbpf_fault *fault)
{
	int error = 0;
	u32 i;

	mutex_lock(&extension->mutex);
	if (extension->state != VBPF_STATE_EMPTY) {
		error = -EBUSY;
		goto out;
	}
	for (i = 0; i < extension->instance_count; i++) {
		if (!extension->instances[i].loaded) {
			error = -EINVAL;
			goto out;
		}
	}
	for (i = 0; i < extension->instance_count && !error; i++)
		error = vbpf_construct(extension, &extension->instances[i], fault);
	/* Whoever finds it running finds all that was written before. */
	smp_store_release(&extension->state, error ? VBPF_STATE_STOPPED : VBPF_STATE_RUNNING);
	if (error)
		vbpf_domain_drop(extension);
out:
	mutex_unlock(&extension->mutex);
	return error;
}

/* Arrays and hashes of plain data: nothing in them that the kernel itself looks at. */
static int check_map(const struct bpf_map *map)
{
	if (map->map_type != BPF_MAP_TYPE_ARRAY && map->map_type != BPF_MAP_TYPE_HASH)
		return -EOPNOTSUPP;
	if (!IS_ERR_OR_NULL(map->record) || map->map_flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG))
		return -EOPNOTSUPP;
	return map->key_size > VBPF_MAP_VALUE_MAX || map->value_size > VBPF_MAP_VALUE_MAX ? -E2BIG : 0;
}

static int take_maps(struct vbpf_extension *extension, const s32 *descriptors, u32 count)
{
	for (; extension->map_count < count; extension->map_count++) {
		struct bpf_map *map = bpf_map_get(descriptors[extension->map_count]);
		int error = PTR_ERR_OR_ZERO(map) ?: check_map(map);

		if (error) {
			if (!IS_ERR(map))
				bpf_map_put(map);
			return error;
		}
		extension->maps[extension->map_count] = map;
	}
	return 0;
}

/* Once. What it has taken when it fails goes with the extension. */
int vbpf_extension_set_maps(struct vbpf_extension *extension, const struct vbpf_maps *maps)
{
	s32 descriptors[VBPF_MAPS_MAX];
	int error = -EBUSY;

	if (maps->count == 0 || maps->count > VBPF_MAPS_MAX || maps->stride == 0 || maps->stride > PAGE_SIZE ||
	    maps->offset < VBPF_REGION_IMAGE || maps->offset >= VBPF_REGION_TARGETS)
		return -EINVAL;
	if (copy_from_user(descriptors, u64_to_user_ptr(maps->descriptors), maps->count * sizeof(descriptors[0])))
		return -EFAULT;
	mutex_lock(&extension->mutex);
	if (extension->state == VBPF_STATE_EMPTY && !extension->maps) {
		extension->maps = kcalloc(maps->count, sizeof(*extension->maps), GFP_KERNEL_ACCOUNT);
		extension->map_offset = maps->offset;
		extension->map_stride = maps->stride;
		error = extension->maps ? take_maps(extension, descriptors, maps->count) : -ENOMEM;
	}
	mutex_unlock(&extension->mutex);
	return error;
}

int vbpf_extension_keep(struct vbpf_extension *extension)
{
	int error = 0;

	mutex_lock(&extension->mutex);
	mutex_lock(&registry_lock);
	if (extension->state != VBPF_STATE_RUNNING) {
		error = -EINVAL;
	} else if (!extension->kept) {
		extension->kept = true;
		kref_get(&extension->references);
	}
	mutex_unlock(&registry_lock);
	mutex_unlock(&extension->mutex);
	return error;
}

/* Nothing runs it when this returns; its memory stays while a descriptor is open. */
int vbpf_extension_unload(u32 id)
{
	struct vbpf_extension *extension = vbpf_extension_get(id);
	bool kept;

	if (!extension)
		return -ENOENT;
	mutex_lock(&extension->mutex);
	WRITE_ONCE(extension->state, VBPF_STATE_STOPPED);
	mutex_lock(&registry_lock);
	forget(extension);
	kept = extension->kept;
	extension->kept = false;
	mutex_unlock(&registry_lock);
	mutex_unlock(&extension->mutex);
	vbpf_userfault_detach_all(extension);
	vbpf_seats_forget_wait(extension);
	synchronize_rcu();
	if (kept)
		vbpf_extension_put(extension);
	vbpf_extension_put(extension);
	return 0;
}

static void add_counters(struct vbpf_extension *extension, struct vbpf_info *info)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		const struct vbpf_counters *counters = per_cpu_ptr(extension->counters, cpu);

		info->invocations += READ_ONCE(counters->invocations);
		info->faults += READ_ONCE(counters->faults);
		info->busy += READ_ONCE(counters->busy);
		info->bytes += READ_ONCE(counters->bytes);
		for (i = 0; i < ARRAY_SIZE(info->verdicts); i++)
			info->verdicts[i] += READ_ONCE(counters->verdicts[i]);
		for (i = 0; i < ARRAY_SIZE(info->userfault_verdicts); i++)
			info->userfault_verdicts[i] += READ_ONCE(counters->userfaults[i]);
		info->userfault_prefetched += READ_ONCE(counters->prefetched);
	}
}

void vbpf_extension_info(struct vbpf_extension *extension, struct vbpf_info *info)
{
	u32 i;

	memset(info, 0, sizeof(*info));
	strscpy(info->name, extension->name);
	info->id = extension->id;
	info->state = READ_ONCE(extension->state);
	info->concurrency = extension->concurrency;
	info->instances = extension->instance_count;
	info->kept = READ_ONCE(extension->kept);
	info->copy_size = extension->copy_size == U32_MAX ? VBPF_COPY_LINEAR :
			  extension->copy_size == 0 ? VBPF_COPY_NOTHING : extension->copy_size;
	info->flags = extension->flags;
	info->domain_key = READ_ONCE(extension->domain_key);
	info->on_fault = extension->on_fault;
	info->max_restarts = extension->max_restarts;
	info->restarts = READ_ONCE(extension->restarts);
	info->key_changes = READ_ONCE(extension->key_changes);
	info->stack_size = extension->stack_size;
	info->heap_size = extension->heap_size;
	info->budget_ns = extension->budget_ns;
	info->memory = atomic64_read(&extension->memory);
	info->created_ns = extension->created_ns;
	info->log_lines = READ_ONCE(extension->record->line_count);
	info->log_dropped = READ_ONCE(extension->record->lines_dropped);
	mutex_lock(&extension->mutex);
	info->map_count = extension->map_count;
	for (i = 0; i < extension->map_count; i++)
		info->map_ids[i] = extension->maps[i]->id;
	info->source_size = extension->source_size;
	mutex_unlock(&extension->mutex);
	vbpf_userfault_info(extension, info);
	add_counters(extension, info);
}
