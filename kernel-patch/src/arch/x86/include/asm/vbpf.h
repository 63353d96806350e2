/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vBPF on x86: protection keys, slots, and the gate.
 *
 * An extension runs at CPL 0 like a guest of a tiny hypervisor: with an
 * interrupt table of its own, in which every vector leads back out of it.
 * Supervisor protection keys close all memory but its own. See
 * arch/x86/vbpf/gate.S for the order in which that happens.
 */
#ifndef _ASM_X86_VBPF_H
#define _ASM_X86_VBPF_H

/* struct vbpf_run, as gate.S sees it; run.c asserts the numbers. */
#define RUN_KERNEL_SP	0
#define RUN_FUNCTION	8
#define RUN_STACK	16
#define RUN_ARGUMENT	24
#define RUN_ARGUMENT2	32
#define RUN_LATCH	40
#define RUN_PKRS	48
#define RUN_REGS	64	/* rax rcx rdx rbx rsp rbp rsi rdi r8 .. r15 */
#define RUN_REG(n)	(RUN_REGS + 8 * (n))
#define RUN_IP		192
#define RUN_FLAGS	200
#define RUN_ERROR_CODE	208
#define RUN_KERNEL_FLAGS 216
#define RUN_FRAME_ALIAS	224

/* What has hit the gate itself, and waits: bits of a slot's latch. */
#define VBPF_LATCHED_NMI	1
#define VBPF_LATCHED_MC		2

/* A slot's pages, from the first on; after each, one without memory. The gate relies on it. */
#define VBPF_PAGE_EVENT		0
#define VBPF_PAGE_NMI		2
#define VBPF_PAGE_ALIAS		4
#define VBPF_PAGE_MC		6
#define VBPF_PAGES		8
/* Where the latch is in the NMI page, above the frame. */
#define VBPF_LATCH		(4096 - 16)

/* What ended a stay in an extension. */
#define VBPF_EXIT_RETURN	0	/* and what the latch holds */
#define VBPF_EXIT_IMPORT	4	/* its number is in regs[rax] */
#define VBPF_EXIT_BUDGET	5	/* said by the C code: the gate does not know */
#define VBPF_EXIT_EVENT		256	/* and the vector */

/* At the end of a region's thunk page: written by the kernel when it is made. */
#define THUNK_DATA		0xf80
#define THUNK_IMPORT		(THUNK_DATA + 0)
#define THUNK_STACKS		(THUNK_DATA + 8)
#define THUNK_STACKS_SIZE	(THUNK_DATA + 16)

/* Parts of a region, as uapi/linux/vbpf.h and the loader lay it out. */
#define VBPF_REGION_SIZE	0x100000000
#define VBPF_REGION_THUNKS	0x00011000
#define VBPF_REGION_IMAGE	0x00100000
#define VBPF_REGION_IMAGE_SIZE	0x08000000
#define VBPF_REGION_TARGETS	0x10000000
#define VBPF_REGION_MARKS	(VBPF_REGION_TARGETS - VBPF_REGION_IMAGE)	/* from an address to its mark */
#define VBPF_REGION_HEAP	0x40000000
#define VBPF_REGION_HEAP_SIZE	0x40000000
#define VBPF_REGION_WINDOWS	0x80000000
#define VBPF_REGION_BUFFERS	0x90000000
#define VBPF_REGION_SOURCE	0xa0000000
#define VBPF_REGION_SOURCE_SIZE	0x40000000

#define VBPF_TARGET_RETURN	1
#define VBPF_TARGET_ENTRY	2

/*
 * Keys. Kernel memory has key 0, which an extension finds closed. All may read
 * what has the shared key and nobody may write it: what the CPU itself reads
 * to deliver an event.
 */
#define VBPF_KEY_SHARED		1
#define VBPF_KEY_SLOT		2
#define VBPF_SLOTS		7
#define VBPF_KEY_DOMAIN		(VBPF_KEY_SLOT + VBPF_SLOTS)
#define VBPF_DOMAINS		(16 - VBPF_KEY_DOMAIN)

#define VBPF_STACK_SIZE		0x10000

#ifndef __ASSEMBLER__
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/pgtable_types.h>
#include <asm/processor.h>

enum {
	VBPF_AX, VBPF_CX, VBPF_DX, VBPF_BX, VBPF_SP, VBPF_BP, VBPF_SI, VBPF_DI,
	VBPF_R8, VBPF_R9, VBPF_R10, VBPF_R11, VBPF_R12, VBPF_R13, VBPF_R14, VBPF_R15,
};

struct vbpf_instance;

/**
 * struct vbpf_slot - what one run needs besides the extension's own memory
 * @stack_top: end of its stack; below the stack and above it nothing is mapped
 * @ist_top: where the CPU puts the frames of events
 * @nmi_top: where it puts those of NMIs
 * @mc_top: where it puts those of machine checks
 * @frame: what a run is resumed from, as the kernel writes it
 * @frame_alias: the same memory, as the extension's keys let it be read
 * @latch: VBPF_LATCHED_ bits of what came where it could not be handled
 * @keys_open: PKRS with all keys closed but the slot's own and the shared one
 *
 * All but @frame have the slot's own key, so that no other CPU can write them
 * while an extension runs on this one. Bound by vbpf_slot_get() with preemption
 * off, to whoever got it until vbpf_slot_put().
 */
struct vbpf_slot {
	unsigned long stack_top;
	unsigned long ist_top;
	unsigned long nmi_top;
	unsigned long mc_top;
	u64 *frame;
	unsigned long frame_alias;
	u32 *latch;
	u32 key;
	u32 index;
	u32 keys_open;
} ____cacheline_aligned;

/**
 * struct vbpf_run - one invocation
 * @kernel_sp: where the gate goes back to
 * @function: what is called
 * @stack: with this stack pointer
 * @argument, @argument2: and these
 * @latch: the slot's
 * @pkrs: the keys it runs with
 * @start_low, @start_high: TSC at its beginning
 * @regs: the extension's registers, in the order of their numbers, when it was interrupted
 * @error_code: of the event that interrupted it
 * @kernel_flags: RFLAGS of who called the gate
 * @address: what a page fault was about
 * @budget: TSC ticks after which it is over
 * @import_fault: enum vbpf_fault_kind, when an import ended it
 *
 * From the second cache line on, nothing is used unless something interrupts it.
 */
struct vbpf_run {
	u64 kernel_sp;
	u64 function;
	u64 stack;
	u64 argument;
	u64 argument2;
	u32 *latch;
	u32 pkrs;
	u32 import_fault;
	u32 start_low, start_high;

	u64 regs[16];
	u64 ip;
	u64 flags;
	u64 error_code;
	u64 kernel_flags;
	u64 frame_alias;
	u64 address;
	u64 budget;
	struct vbpf_slot *slot;
	struct vbpf_instance *instance;
	struct vbpf_run *outer;
};

/* enum vbpf_support; constant after the CPUs have been set up. */
int vbpf_arch_support(void);
/* Whether this CPU has been set up. */
DECLARE_PER_CPU(bool, vbpf_arch_cpu_ready);

/* slot.c: of the functions below. */
extern struct vbpf_slot vbpf_slots[VBPF_SLOTS];
extern u32 vbpf_slot_users[VBPF_SLOTS];	/* id of the extension that used the stack last */
extern unsigned long vbpf_slots_busy;
DECLARE_PER_CPU(u32, vbpf_slot_first);	/* where a CPU looks first */
struct vbpf_slot *vbpf_slot_find(u32 user);
void vbpf_slot_clear(u32 index, u32 user);

/*
 * A slot for a run of extension @user, or NULL when all are taken for longer
 * than a short spin. Preemption off.
 */
static __always_inline struct vbpf_slot *vbpf_slot_get(u32 user)
{
	u32 index = __this_cpu_read(vbpf_slot_first);

	if (unlikely(test_and_set_bit_lock(index, &vbpf_slots_busy)))
		return vbpf_slot_find(user);
	if (unlikely(vbpf_slot_users[index] != user))
		vbpf_slot_clear(index, user);
	return &vbpf_slots[index];
}

static __always_inline void vbpf_slot_put(struct vbpf_slot *slot)
{
	clear_bit_unlock(slot->index, &vbpf_slots_busy);
}

bool vbpf_slot_owns(const struct vbpf_slot *slot, unsigned long address, unsigned long size);
bool vbpf_in_stacks(unsigned long address);

/* Fills the thunk page of a region that begins at @base. */
void vbpf_thunks_copy(void *page, unsigned long base);

struct vbpf_fault;
/* Fills kind and address (and what the exit itself says) of a report. @base: of the region. */
void vbpf_arch_describe(const struct vbpf_run *run, unsigned long base, u32 exit, struct vbpf_fault *fault);

static inline pgprot_t vbpf_prot(pgprot_t prot, u32 key)
{
	return __pgprot(pgprot_val(prot) | (pteval_t)key << _PAGE_BIT_PKEY_BIT0);
}

/* PKRS with all keys closed but @key, and the shared one, which can be read. Two such are combined with &. */
static inline u32 vbpf_keys_open(u32 key)
{
	u32 closed = 0x55555555 & ~(3u << (2 * VBPF_KEY_SHARED)) & ~(3u << (2 * key));

	return closed | 2u << (2 * VBPF_KEY_SHARED);
}

/* Preemption off: no translation that this CPU remembers is older than this. */
void vbpf_arch_flush_cpu(void);

/* IST entries that Linux leaves free, the first but in guests with SEV-ES: of machine checks, all others, and NMIs. */
#define VBPF_IST_MC	4
#define VBPF_IST_EVENT	5
#define VBPF_IST_NMI	6

DECLARE_PER_CPU(struct vbpf_run *, vbpf_current_run);

/* What an event of this CPU finds. Interrupts off; again after any handler has run. */
static __always_inline void vbpf_arch_bind(struct vbpf_run *run, const struct vbpf_slot *slot)
{
	this_cpu_write(vbpf_current_run, run);
	this_cpu_write(cpu_tss_rw.x86_tss.ist[VBPF_IST_EVENT], slot->ist_top);
	this_cpu_write(cpu_tss_rw.x86_tss.ist[VBPF_IST_NMI], slot->nmi_top);
	this_cpu_write(cpu_tss_rw.x86_tss.ist[VBPF_IST_MC], slot->mc_top);
}

/*
 * Of the registers, the gates of gate.S keep rbp and rsp alone: what else is
 * alive, the compiler saves as it would have to anyway. They know their run in
 * the end: @run is written with itself. @value is written with what the first
 * function returned, if that is how the stay ended.
 */
#define vbpf_call_gate(gate, run, value)				\
({									\
	register u64 gate_value asm("r8");				\
	u32 gate_exit;							\
									\
	asm volatile("call " #gate					\
		     : "=a" (gate_exit), "+D" (run), "=r" (gate_value), ASM_CALL_CONSTRAINT \
		     : : "rbx", "rcx", "rdx", "rsi", "r9", "r10", "r11",	\
			 "r12", "r13", "r14", "r15", "memory", "cc");	\
	(value) = gate_value;						\
	gate_exit;							\
})

/* run.c: after a first stay that ended other than by VBPF_EXIT_RETURN alone. The value is in regs[VBPF_AX] then. */
u32 vbpf_arch_go_on(struct vbpf_run *run, u32 exit, u64 value);

/* Runs what is bound to this CPU: see vbpf_arch_run(). *@run is written with itself, *@value with what it returned. */
static __always_inline u32 vbpf_arch_run_bound(struct vbpf_run **run, u64 *value)
{
	struct vbpf_run *bound = *run;
	u64 returned;
	u32 exit;

	exit = vbpf_call_gate(vbpf_gate_enter, bound, returned);
	if (unlikely(exit != VBPF_EXIT_RETURN)) {
		exit = vbpf_arch_go_on(bound, exit, returned);
		returned = bound->regs[VBPF_AX];
	}
	*run = bound;
	*value = returned;
	return exit;
}

static __always_inline void vbpf_arch_set_start(struct vbpf_run *run)
{
	asm volatile("rdtsc" : "=a" (run->start_low), "=d" (run->start_high));
}

/*
 * Runs an extension until it ends. What comes before @regs is set, but for
 * @kernel_sp, and so are slot, instance and budget. Returns VBPF_EXIT_RETURN
 * with the value, or VBPF_EXIT_EVENT and the vector that ended it
 * (run->address: what a page fault was about), or VBPF_EXIT_IMPORT when an
 * import ended it, or VBPF_EXIT_BUDGET. Preemption is off; interrupts come and
 * are handled.
 */
static __always_inline u32 vbpf_arch_run(struct vbpf_run *run, u64 *value)
{
	unsigned long flags;
	u32 exit;

	local_irq_save(flags);
	run->outer = this_cpu_read(vbpf_current_run);
	vbpf_arch_bind(run, run->slot);
	exit = vbpf_arch_run_bound(&run, value);
	if (run->outer)
		vbpf_arch_bind(run->outer, run->outer->slot);
	else
		this_cpu_write(vbpf_current_run, NULL);
	local_irq_restore(flags);
	return exit;
}

/* Whether nothing has bound this CPU since vbpf_arch_bind() to @run, or is over. Preemption off. */
static __always_inline bool vbpf_arch_is_bound(const struct vbpf_run *run)
{
	bool bound;

	asm volatile("cmpq %[run], " __percpu_arg([current_run])
		     : "=@cce" (bound)
		     : [run] "r" (run), [current_run] "m" (__my_cpu_var(vbpf_current_run)) : "memory");
	return bound;
}

/* kernel/vbpf: called by vbpf_arch_go_on() with interrupts off. */
bool vbpf_run_import(struct vbpf_run *run);	/* false: it ends here */
bool vbpf_run_page_fault(struct vbpf_run *run);	/* true: the page is there now */

/* kernel/vbpf: this CPU runs no extensions until it is set up again. Preemption off. */
void vbpf_run_cpu_goes(void);
/* kernel/vbpf: a slot that this CPU kept, though a run may be @prepared with it, or NULL. Preemption off. */
struct vbpf_slot *vbpf_run_spare_slot(bool prepared);

/* gate.S */
asmlinkage void vbpf_gate_inject(unsigned long handler);
asmlinkage void vbpf_gate_unblock_nmi(void);
asmlinkage __noreturn void vbpf_gate_broken(unsigned long vector, unsigned long ip);
void vbpf_gate_leave(void);
void vbpf_gate_import(void);
extern const u8 vbpf_gate_stubs[];
#define VBPF_STUB_SIZE 16

#endif /* __ASSEMBLER__ */
#endif /* _ASM_X86_VBPF_H */
