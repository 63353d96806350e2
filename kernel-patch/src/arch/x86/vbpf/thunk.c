// SPDX-License-Identifier: GPL-2.0-only
/* What C has to know of thunks.S, and what it makes of an extension's end. */
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/unaligned.h>
#include <asm/trapnr.h>
#include <uapi/linux/vbpf.h>

#include "vbpf.h"

#define EVENT(vector) (VBPF_EXIT_EVENT | (vector))

struct thunk_data {
	unsigned long import, stacks, stacks_size;
};

void vbpf_thunks_copy(void *page, unsigned long base)
{
	struct thunk_data *data = page + THUNK_DATA;

	/* What the return thunk relies on. */
	BUILD_BUG_ON(VBPF_REGION_SIZE != 1UL << 32);
	BUILD_BUG_ON(VBPF_REGION_THUNKS + VBPF_REGION_MARKS < VBPF_REGION_IMAGE + VBPF_REGION_IMAGE_SIZE);
	BUILD_BUG_ON(VBPF_REGION_THUNKS + PAGE_SIZE + VBPF_REGION_MARKS > VBPF_REGION_TARGETS);
	BUILD_BUG_ON(offsetof(struct thunk_data, import) != THUNK_IMPORT - THUNK_DATA);
	BUILD_BUG_ON(offsetof(struct thunk_data, stacks) != THUNK_STACKS - THUNK_DATA);
	BUILD_BUG_ON(offsetof(struct thunk_data, stacks_size) != THUNK_STACKS_SIZE - THUNK_DATA);
	memcpy(page, vbpf_thunks, PAGE_SIZE);
	put_unaligned((u32)(base >> 32), (u32 *)(page + (vbpf_thunk_region - vbpf_thunks)));
	data->import = (unsigned long)vbpf_gate_import;
	vbpf_stacks_range(&data->stacks, &data->stacks_size);
}

static unsigned long place(unsigned long base, const u8 *symbol)
{
	return base + VBPF_REGION_THUNKS + (symbol - vbpf_thunks);
}

/*
 * A target that is not in the text stops the thunk at a ud2, or where it looks
 * for a mark that is not mapped. Who returns may look where a mark would be for
 * any address of the region.
 */
static u32 thunk_report(const struct vbpf_run *run, unsigned long base, u32 exit)
{
	unsigned long ip = run->ip, marks = base + VBPF_REGION_MARKS;

	if (exit == EVENT(X86_TRAP_UD) && ip == place(base, vbpf_thunk_bad_return))
		return VBPF_FAULT_BAD_RETURN;
	if (exit == EVENT(X86_TRAP_UD) && ip == place(base, vbpf_thunk_bad_call))
		return VBPF_FAULT_BAD_CALL;
	if (exit != EVENT(X86_TRAP_PF) || run->address - marks >= VBPF_REGION_SIZE)
		return VBPF_FAULT_NONE;
	if (ip >= place(base, vbpf_thunk_indirect) && ip < place(base, vbpf_thunk_bad_return))
		return VBPF_FAULT_BAD_CALL;
	if (ip >= place(base, vbpf_thunks) && ip < place(base, vbpf_thunk_indirect))
		return VBPF_FAULT_BAD_RETURN;
	return VBPF_FAULT_NONE;
}

static u32 exception_kind(const struct vbpf_run *run, u32 exit)
{
	switch (exit) {
	case VBPF_EXIT_BUDGET:
		return VBPF_FAULT_BUDGET;
	case EVENT(X86_TRAP_DE):
		return VBPF_FAULT_DIVIDE_ERROR;
	case EVENT(X86_TRAP_UD):
	case EVENT(X86_TRAP_BP):
		return VBPF_FAULT_UNDEFINED_INSTRUCTION;
	case EVENT(X86_TRAP_PF):
		return vbpf_in_stacks(run->address) ? VBPF_FAULT_STACK_OVERFLOW : VBPF_FAULT_BAD_ADDRESS;
	case EVENT(X86_TRAP_GP):
	case EVENT(X86_TRAP_SS):
		return VBPF_FAULT_BAD_ADDRESS;
	default:
		return VBPF_FAULT_EXCEPTION;
	}
}

void vbpf_arch_describe(const struct vbpf_run *run, unsigned long base, u32 exit, struct vbpf_fault *fault)
{
	u64 target = run->regs[VBPF_R11];

	memcpy(fault->registers, run->regs, sizeof(run->regs));
	fault->registers[16] = run->ip;
	fault->registers[17] = run->flags;
	fault->vector = exit & VBPF_EXIT_EVENT ? exit & ~VBPF_EXIT_EVENT : ~0u;
	fault->error_code = exit & VBPF_EXIT_EVENT ? run->error_code : 0;
	fault->kind = thunk_report(run, base, exit);
	if (fault->kind == VBPF_FAULT_NONE) {
		fault->kind = exception_kind(run, exit);
		fault->address = exit == EVENT(X86_TRAP_PF) ? run->address : run->ip;
		return;
	}
	/* A return's target is where it was looked for. */
	if (fault->kind == VBPF_FAULT_BAD_RETURN &&
	    vbpf_slot_owns(run->slot, run->regs[VBPF_SP], sizeof(target)))
		target = *(u64 *)run->regs[VBPF_SP];
	fault->address = target;
}
