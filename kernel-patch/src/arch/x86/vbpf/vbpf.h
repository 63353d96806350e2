/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of arch/x86/vbpf share. */
#ifndef _ARCH_X86_VBPF_H
#define _ARCH_X86_VBPF_H

#include <linux/percpu-defs.h>
#include <asm/desc_defs.h>
#include <asm/pgtable_types.h>
#include <asm/vbpf.h>

/* Read by the gate; constant after init. */
extern struct desc_ptr vbpf_kernel_idt, vbpf_extension_idt;

/* thunks.S: a page, and places in it. */
extern const u8 vbpf_thunks[];
extern const u8 vbpf_thunk_region[];
extern const u8 vbpf_thunk_bad_return[], vbpf_thunk_bad_call[], vbpf_thunk_indirect[];

int vbpf_slots_init(void);
void vbpf_stacks_range(unsigned long *start, unsigned long *size);

#endif
