// SPDX-License-Identifier: GPL-2.0-only
/* The last faults and log lines of an extension. */
#include <linux/ktime.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "vbpf.h"

#define CREATE_TRACE_POINTS
#include <trace/events/vbpf.h>

void vbpf_record_init(struct vbpf_record *record)
{
	raw_spin_lock_init(&record->lock);
	ratelimit_state_init(&record->limit, HZ, 100);
	ratelimit_set_flags(&record->limit, RATELIMIT_MSG_ON_RELEASE);
}

/* Gives the fault its number. Any context but NMI. */
void vbpf_record_fault(struct vbpf_extension *extension, struct vbpf_fault *fault)
{
	struct vbpf_record *record = extension->record;
	unsigned long flags;

	fault->time_ns = ktime_get_mono_fast_ns();
	raw_spin_lock_irqsave(&record->lock, flags);
	fault->number = ++record->fault_count;
	record->faults[fault->number % VBPF_FAULTS_KEPT] = *fault;
	raw_spin_unlock_irqrestore(&record->lock, flags);
	trace_vbpf_fault(extension->name, extension->id, fault);
}

/* Appends a line, or drops it when there were too many in this second. */
void vbpf_record_line(struct vbpf_extension *extension, const char *text, u32 size)
{
	struct vbpf_record *record = extension->record;
	struct vbpf_log_line *line;
	unsigned long flags;
	bool wanted = __ratelimit(&record->limit);

	raw_spin_lock_irqsave(&record->lock, flags);
	if (wanted) {
		line = &record->lines[++record->line_count % VBPF_LINES_KEPT];
		line->number = record->line_count;
		line->time_ns = ktime_get_real_fast_ns();
		line->size = min_t(u32, size, sizeof(line->text));
		memcpy(line->text, text, line->size);
	} else {
		record->lines_dropped++;
	}
	raw_spin_unlock_irqrestore(&record->lock, flags);
}

/* The oldest number that is kept and not less than @wanted; 0: none. */
static u64 choose(u64 wanted, u64 last, u64 kept)
{
	u64 first = last > kept ? last - kept + 1 : 1;

	if (wanted < first)
		wanted = first;
	return wanted <= last ? wanted : 0;
}

bool vbpf_record_get_fault(struct vbpf_record *record, struct vbpf_fault *fault)
{
	unsigned long flags;
	u64 number;

	raw_spin_lock_irqsave(&record->lock, flags);
	number = choose(fault->number, record->fault_count, VBPF_FAULTS_KEPT);
	if (number)
		*fault = record->faults[number % VBPF_FAULTS_KEPT];
	raw_spin_unlock_irqrestore(&record->lock, flags);
	return number;
}

bool vbpf_record_get_line(struct vbpf_record *record, struct vbpf_log_line *line)
{
	unsigned long flags;
	u64 number;

	raw_spin_lock_irqsave(&record->lock, flags);
	number = choose(line->number, record->line_count, VBPF_LINES_KEPT);
	if (number)
		*line = record->lines[number % VBPF_LINES_KEPT];
	raw_spin_unlock_irqrestore(&record->lock, flags);
	return number;
}
