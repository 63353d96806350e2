// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each CPU needs before it can run extensions: PKS switched on, and keys
 * on the pages that the CPU reads when it delivers an event.
 */
#define pr_fmt(fmt) "vbpf: " fmt

#include <linux/cc_platform.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/syscore_ops.h>
#include <linux/vmalloc.h>
#include <asm/cpu_entry_area.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>
#include <uapi/linux/vbpf.h>

#include "vbpf.h"

#define MSR_IA32_PKRS	0x6e1
#define CPUID_7_ECX_PKS	BIT(31)
#define CR4_PKS		BIT(24)

struct desc_ptr vbpf_kernel_idt __ro_after_init;
struct desc_ptr vbpf_extension_idt __ro_after_init;
DEFINE_PER_CPU(struct vbpf_run *, vbpf_current_run);

DEFINE_PER_CPU(bool, vbpf_arch_cpu_ready);
static int support __ro_after_init = VBPF_SUPPORT_CPU;

int vbpf_arch_support(void)
{
	return support;
}

void vbpf_arch_flush_cpu(void)
{
	__flush_tlb_all();
}

static int __init check_features(void)
{
	if (boot_cpu_data.cpuid_level < 7 || !(cpuid_ecx(7) & CPUID_7_ECX_PKS))
		return VBPF_SUPPORT_NO_PKS;
	if (!boot_cpu_has(X86_FEATURE_SMAP))
		return VBPF_SUPPORT_NO_SMAP;
	if (cpu_feature_enabled(X86_FEATURE_FRED))
		return VBPF_SUPPORT_FRED;
	if (cpu_feature_enabled(X86_FEATURE_IBT))
		return VBPF_SUPPORT_IBT;
	if (cpu_feature_enabled(X86_FEATURE_XENPV) || cc_platform_has(CC_ATTR_GUEST_STATE_ENCRYPT))
		return VBPF_SUPPORT_PV;
	return VBPF_SUPPORT_OK;
}

/*
 * The GDT and the page of the TSS that holds the ISTs get the shared key. Only
 * their own CPU uses these mappings, so its TLB alone is flushed.
 */
static void rekey_descriptors(unsigned int cpu)
{
	struct cpu_entry_area *area = get_cpu_entry_area(cpu);
	pgprot_t prot = vbpf_prot(PAGE_KERNEL_RO, VBPF_KEY_SHARED);

	BUILD_BUG_ON(offsetof(struct tss_struct, x86_tss) + sizeof(struct x86_hw_tss) > PAGE_SIZE);
	cea_set_pte(&area->gdt, get_cpu_gdt_paddr(cpu), prot);
	cea_set_pte(&area->tss, per_cpu_ptr_to_phys(per_cpu_ptr(&cpu_tss_rw, cpu)), prot);
	flush_tlb_one_kernel((unsigned long)&area->gdt);
	flush_tlb_one_kernel((unsigned long)&area->tss);
}

/* On this CPU, interrupts off. */
static void set_up(void)
{
	unsigned int cpu = smp_processor_id();

	if (!(cpuid_ecx(7) & CPUID_7_ECX_PKS) || !(__read_cr4() & X86_CR4_SMAP)) {
		pr_err("CPU %u has no PKS or no SMAP: no extension will run there\n", cpu);
		return;
	}
	cr4_set_bits_irqsoff(CR4_PKS);
	wrmsrl(MSR_IA32_PKRS, 0);
	rekey_descriptors(cpu);
	__this_cpu_write(vbpf_arch_cpu_ready, !!(__read_cr4() & CR4_PKS));
}

/* Runs on @cpu, in its hotplug thread. */
static int cpu_online_callback(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	set_up();
	local_irq_restore(flags);
	return 0;
}

/*
 * All other CPUs go offline for a suspend, and come back as any CPU does. The
 * last one does not, and loses its registers as well. Interrupts off.
 */
static int suspend(void *data)
{
	__this_cpu_write(vbpf_arch_cpu_ready, false);
	vbpf_run_cpu_goes();
	return 0;
}

static void resume(void *data)
{
	set_up();
}

static const struct syscore_ops syscore_ops = {
	.suspend = suspend,
	.resume = resume,
};

static struct syscore syscore = {
	.ops = &syscore_ops,
};

/* Runs on @cpu. No extension runs: this thread does. */
static int cpu_offline_callback(unsigned int cpu)
{
	preempt_disable();
	__this_cpu_write(vbpf_arch_cpu_ready, false);
	vbpf_run_cpu_goes();
	preempt_enable();
	return 0;
}

static u32 __init ist_of(int vector)
{
	switch (vector) {
	case X86_TRAP_NMI:
		return VBPF_IST_NMI;
	case X86_TRAP_MC:
		return VBPF_IST_MC;
	default:
		return VBPF_IST_EVENT;
	}
}

static int __init make_idt(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	gate_desc *table;
	void *alias;
	int i;

	BUILD_BUG_ON(256 * sizeof(gate_desc) > PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	table = page_address(page);
	for (i = 0; i < 256; i++) {
		struct idt_data data = {
			.vector = i,
			.segment = __KERNEL_CS,
			.bits.ist = ist_of(i) + 1,
			.bits.type = GATE_INTERRUPT,
			.bits.p = 1,
			.addr = vbpf_gate_stubs + i * VBPF_STUB_SIZE,
		};

		idt_init_desc(&table[i], &data);
	}
	alias = vmap(&page, 1, VM_MAP, vbpf_prot(PAGE_KERNEL_RO, VBPF_KEY_SHARED));
	if (!alias) {
		__free_page(page);
		return -ENOMEM;
	}
	vbpf_extension_idt.size = 256 * sizeof(gate_desc) - 1;
	vbpf_extension_idt.address = (unsigned long)alias;
	store_idt(&vbpf_kernel_idt);
	return 0;
}

static int __init vbpf_arch_init(void)
{
	int error;

	support = check_features();
	if (support != VBPF_SUPPORT_OK)
		return 0;
	support = VBPF_SUPPORT_CPU;
	error = make_idt() ?: vbpf_slots_init();
	if (!error)
		error = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "x86/vbpf:online",
					  cpu_online_callback, cpu_offline_callback);
	if (error < 0) {
		pr_err("cannot set up protection keys: error %d\n", error);
		return 0;
	}
	register_syscore(&syscore);
	support = VBPF_SUPPORT_OK;
	pr_info("%d slots, %d domains\n", VBPF_SLOTS, VBPF_DOMAINS);
	return 0;
}
subsys_initcall(vbpf_arch_init);
