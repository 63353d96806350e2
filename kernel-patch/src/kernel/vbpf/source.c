// SPDX-License-Identifier: GPL-2.0-only
/* Memory of the loader's that an extension can read: a file, as a rule. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "vbpf.h"

/* All of them, or none. */
static int pin_all(struct page **pages, unsigned long address, u64 count)
{
	u64 pinned = 0;

	while (pinned < count) {
		int more = pin_user_pages_fast(address + pinned * PAGE_SIZE, min_t(u64, count - pinned, 4096),
					       FOLL_LONGTERM, pages + pinned);

		if (more <= 0) {
			unpin_user_pages(pages, pinned);
			return more ?: -EFAULT;
		}
		pinned += more;
		if (fatal_signal_pending(current)) {
			unpin_user_pages(pages, pinned);
			return -EINTR;
		}
		cond_resched();
	}
	return 0;
}

int vbpf_source_set(struct vbpf_extension *extension, const struct vbpf_source *source)
{
	u64 count = PFN_UP(source->size), i;
	struct page **pages;
	int error = -EBUSY;

	if (!PAGE_ALIGNED(source->address) || source->size == 0)
		return -EINVAL;
	if (source->size > VBPF_SOURCE_MAX)
		return -E2BIG;
	pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	mutex_lock(&extension->mutex);
	for (i = 0; i < extension->instance_count && !extension->instances[i].loaded; i++)
		;
	if (extension->state == VBPF_STATE_EMPTY && !extension->source && i == extension->instance_count)
		error = pin_all(pages, source->address, count);
	if (!error) {
		extension->source = pages;
		extension->source_size = source->size;
	}
	mutex_unlock(&extension->mutex);
	if (error)
		kvfree(pages);
	return error;
}

/* No instance maps it any more. */
void vbpf_source_free(struct vbpf_extension *extension)
{
	if (!extension->source)
		return;
	unpin_user_pages(extension->source, PFN_UP(extension->source_size));
	kvfree(extension->source);
}
