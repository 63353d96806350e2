// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an extension may call, in the order of vbpf/imports.def, and pages of
 * its heap.
 *
 * Context: interrupts off, on the kernel's stack, keys open. Every register is
 * the extension's word. Memory it points to is looked at once, by copying, and
 * may be anything.
 */
#include <linux/random.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/trap_pf.h>

#include "vbpf.h"

enum import {
	IMPORT_ABORT, IMPORT_LOG, IMPORT_TIME, IMPORT_RANDOM, IMPORT_CPU,
	IMPORT_MAP_LOOKUP, IMPORT_MAP_UPDATE, IMPORT_MAP_DELETE,
};

/* VBPF_ABORT_* of vbpf/abi.h. */
enum { ABORT_ABORT, ABORT_HEAP_EXHAUSTED, ABORT_PURE_VIRTUAL };

/* Whether the extension could have read all of it: its region or its stack. What is not mapped fails when copied. */
static bool owns(const struct vbpf_run *run, unsigned long address, unsigned long size)
{
	unsigned long base = run->instance->base;

	if (vbpf_slot_owns(run->slot, address, size))
		return true;
	return size <= VBPF_REGION_SIZE && address >= base && address - base <= VBPF_REGION_SIZE - size;
}

/*
 * After a copy has failed: pages of the heap that were never touched are there
 * now, zeros, as the extension would find them. False: some cannot be.
 */
static bool touch(const struct vbpf_run *run, unsigned long address, unsigned long size)
{
	unsigned long heap = run->instance->base + VBPF_REGION_HEAP, page;

	if (address + size <= heap || address >= heap + VBPF_REGION_HEAP_SIZE)
		return false;
	for (page = address & PAGE_MASK; page < address + size; page += PAGE_SIZE) {
		if (!vbpf_instance_grow_heap(run->instance, page))
			return false;
	}
	return true;
}

bool vbpf_run_copy_in(const struct vbpf_run *run, void *to, unsigned long address, unsigned long size)
{
	if (!owns(run, address, size))
		return false;
	return !copy_from_kernel_nofault(to, (void *)address, size) ||
	       (touch(run, address, size) && !copy_from_kernel_nofault(to, (void *)address, size));
}

/* What the extension may not write faults here too: it is mapped read-only. */
bool vbpf_run_copy_out(const struct vbpf_run *run, unsigned long address, const void *from, unsigned long size)
{
	if (!owns(run, address, size))
		return false;
	return !copy_to_kernel_nofault((void *)address, from, size) ||
	       (touch(run, address, size) && !copy_to_kernel_nofault((void *)address, from, size));
}

static bool end(struct vbpf_run *run, u32 kind)
{
	run->import_fault = kind;
	return false;
}

static bool import_abort(struct vbpf_run *run)
{
	switch ((u32)run->regs[VBPF_DI]) {
	case ABORT_HEAP_EXHAUSTED:
		return end(run, VBPF_FAULT_HEAP_EXHAUSTED);
	case ABORT_PURE_VIRTUAL:
		return end(run, VBPF_FAULT_PURE_VIRTUAL);
	default:
		return end(run, VBPF_FAULT_ABORT);
	}
}

static bool import_log(struct vbpf_run *run)
{
	unsigned long address = run->regs[VBPF_DI], size = run->regs[VBPF_SI];
	char text[sizeof_field(struct vbpf_log_line, text)];

	if (!owns(run, address, size))
		return end(run, VBPF_FAULT_BAD_IMPORT);
	size = min(size, sizeof(text));
	if (!vbpf_run_copy_in(run, text, address, size))
		return end(run, VBPF_FAULT_BAD_IMPORT);
	vbpf_record_line(run->instance->extension, text, size);
	return true;
}

static bool import(struct vbpf_run *run, u64 *value)
{
	switch (run->regs[VBPF_AX]) {
	case IMPORT_ABORT:
		return import_abort(run);
	case IMPORT_LOG:
		return import_log(run);
	case IMPORT_TIME:
		*value = ktime_get_mono_fast_ns();
		return true;
	case IMPORT_RANDOM:
		*value = get_random_u32();
		return true;
	case IMPORT_CPU:
		*value = smp_processor_id();
		return true;
	case IMPORT_MAP_LOOKUP:
	case IMPORT_MAP_UPDATE:
	case IMPORT_MAP_DELETE:
		return vbpf_map_import(run, run->regs[VBPF_AX] - IMPORT_MAP_LOOKUP, value) ||
		       end(run, VBPF_FAULT_BAD_IMPORT);
	default:
		return end(run, VBPF_FAULT_BAD_IMPORT);
	}
}

/* Goes back through the return thunk, which checks where to. */
bool vbpf_run_import(struct vbpf_run *run)
{
	u64 value = 0;
	u32 i;

	for (i = VBPF_R8; i <= VBPF_R11; i++)
		run->regs[i] = 0;
	run->flags = 0;
	run->ip = run->instance->base + VBPF_THUNK_RETURN;
	if (!import(run, &value))
		return false;
	run->regs[VBPF_AX] = value;
	run->regs[VBPF_CX] = 0;
	run->regs[VBPF_DX] = 0;
	run->regs[VBPF_SI] = 0;
	run->regs[VBPF_DI] = 0;
	return true;
}

bool vbpf_run_page_fault(struct vbpf_run *run)
{
	/* Not one that was there and may not be accessed so. */
	if (run->error_code & X86_PF_PROT)
		return false;
	return vbpf_instance_grow_heap(run->instance, run->address);
}

/* The import was called where the stack says; abort() says it itself. */
void vbpf_import_describe(const struct vbpf_run *run, struct vbpf_fault *fault)
{
	unsigned long message = run->regs[VBPF_SI], size = run->regs[VBPF_DX];
	u64 place = 0;

	fault->kind = run->import_fault;
	fault->address = 0;
	if (fault->kind == VBPF_FAULT_BAD_IMPORT)
		fault->address = run->regs[VBPF_DI];
	else
		place = run->regs[VBPF_CX];
	if (!place && !vbpf_run_copy_in(run, &place, run->regs[VBPF_SP], sizeof(place)))
		place = 0;
	fault->registers[16] = place;
	if (fault->kind == VBPF_FAULT_BAD_IMPORT)
		return;
	if (!owns(run, message, size)) {
		fault->kind = VBPF_FAULT_BAD_IMPORT;
		fault->address = message;
		return;
	}
	fault->message_size = min(size, sizeof(fault->message));
	if (!vbpf_run_copy_in(run, fault->message, message, fault->message_size))
		fault->message_size = 0;
}
